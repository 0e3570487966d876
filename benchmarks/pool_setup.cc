#include "multiproc/benchmarks/pool_setup.h"

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"

namespace multiproc {

int64_t Same(int64_t n) { return n; }
MULTIPROC_FUNCTION(Same);

bool Check(benchmark::State& state, const absl::Status& status) {
  if (!status.ok()) state.SkipWithError(status.ToString().c_str());
  return status.ok();
}

ProcessPoolOptions Workers(int num_workers) {
  ProcessPoolOptions options;
  options.num_workers = num_workers;
  return options;
}

std::unique_ptr<ProcessPool> MakePool(benchmark::State& state,
                                      const ProcessPoolOptions& options) {
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  if (!Check(state, pool.status())) return nullptr;
  std::vector<Future<int64_t>> first;
  for (int i = 0; i < 50 * options.num_workers; ++i) {
    first.push_back((*pool)->Submit(Same, int64_t{i}));
  }
  for (const Future<int64_t>& future : first) {
    if (!Check(state, future.Get().status())) return nullptr;
  }
  return *std::move(pool);
}

std::vector<Future<int64_t>> SubmitAll(ProcessPool& pool, TaskFunction task,
                                       int64_t count) {
  std::vector<Future<int64_t>> futures;
  futures.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) futures.push_back(pool.Submit(task, i));
  return futures;
}

void GetAll(benchmark::State& state,
            const std::vector<Future<int64_t>>& futures) {
  for (size_t i = 0; i < futures.size(); ++i) {
    const absl::StatusOr<int64_t> outcome = futures[i].Get();
    if (!Check(state, outcome.status())) return;
    if (*outcome != static_cast<int64_t>(i)) {
      state.SkipWithError("a wrong result");
    }
  }
}

}  // namespace multiproc
