// A task between Submit and its outcome, as the pool keeps it. Not thread-safe:
// it belongs to the caller of Submit first, and to the owner thread then.

#ifndef MULTIPROC_POOL_TASK_H_
#define MULTIPROC_POOL_TASK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multiproc/pool/future_state.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

struct Task {
  // What is sent; kept until the answer is there, for another attempt.
  TaskRequest request;
  // Longest run, from its start in a worker.
  absl::Duration timeout = absl::InfiniteDuration();
  int max_attempts = 1;
  // From 1; one more each time that a worker died with it.
  int attempt = 1;
  std::shared_ptr<FutureState> future;

  uint64_t id() const { return request.task_id(); }
  const std::string& function() const { return request.call().function(); }

  // Ends the task. No other member is of use from then on.
  void Finish(absl::Status status, std::string result = "") {
    future->Fulfil(std::move(status), std::move(result));
  }
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_TASK_H_
