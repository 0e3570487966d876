// A header, a namespace and a class that multiproc has, too.

#ifndef POOL_PROCESS_POOL_H_
#define POOL_PROCESS_POOL_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "multiproc/pool/process_pool.h"
#include "proto/task.pb.h"

namespace pool {

// Works in the processes of multiproc's.
class ProcessPool {
 public:
  static absl::StatusOr<ProcessPool> Create(int num_workers);

  multiproc::Future<TaskRequest> Double(const TaskRequest& request);
  absl::StatusOr<std::int64_t> SumOfSquares(std::int64_t up_to);

 private:
  explicit ProcessPool(std::unique_ptr<multiproc::ProcessPool> workers)
      : workers_(std::move(workers)) {}

  std::unique_ptr<multiproc::ProcessPool> workers_;
};

}  // namespace pool

#endif  // POOL_PROCESS_POOL_H_
