#include "pool/process_pool.h"

#include <numeric>
#include <utility>
#include <vector>

namespace pool {
namespace {

TaskRequest DoubleIt(const TaskRequest& request) {
  TaskRequest result;
  result.set_task_id(2 * request.task_id());
  return result;
}
MULTIPROC_FUNCTION(DoubleIt);

std::int64_t Square(std::int64_t n) { return n * n; }
MULTIPROC_FUNCTION(Square);

}  // namespace

absl::StatusOr<ProcessPool> ProcessPool::Create(int num_workers) {
  multiproc::ProcessPoolOptions options;
  options.num_workers = num_workers;
  absl::StatusOr<std::unique_ptr<multiproc::ProcessPool>> workers =
      multiproc::ProcessPool::Create(options);
  if (!workers.ok()) return workers.status();
  return ProcessPool(*std::move(workers));
}

multiproc::Future<TaskRequest> ProcessPool::Double(const TaskRequest& request) {
  return workers_->Submit(DoubleIt, request);
}

absl::StatusOr<std::int64_t> ProcessPool::SumOfSquares(std::int64_t up_to) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(up_to));
  std::iota(numbers.begin(), numbers.end(), std::int64_t{1});
  absl::StatusOr<std::vector<std::int64_t>> squares =
      workers_->Map(Square, numbers);
  if (!squares.ok()) return squares.status();
  return std::accumulate(squares->begin(), squares->end(), std::int64_t{0});
}

}  // namespace pool
