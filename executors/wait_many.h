// Waiting for many children at once.
//
//   std::vector<Process*> running = ...;
//   while (!running.empty()) {
//     absl::StatusOr<size_t> ended = WaitAny(running);
//     LOG(INFO) << running[*ended]->Wait()->ToString();
//     running.erase(running.begin() + *ended);
//   }
//
// Both wait on the children's exit events in the kernel, without polling, and
// for any number of them, on Windows for more than the 64 of
// WaitForMultipleObjects, too.
//
// Thread-safety: as Process::Wait: any number of threads may wait for the same
// processes. None may be moved or destroyed meanwhile.

#ifndef MULTIPROC_EXECUTORS_WAIT_MANY_H_
#define MULTIPROC_EXECUTORS_WAIT_MANY_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "multiproc/executors/process.h"

namespace multiproc {

// Waits until one of `processes` has ended, for `timeout` at most (zero asks
// without waiting), and returns its index; of several any. Its Wait returns at
// once then. One that had ended before counts, so a caller that loops takes
// each out that it was told of.
//   DEADLINE_EXCEEDED    all of them still run after `timeout`.
//   INVALID_ARGUMENT     there are none.
//   FAILED_PRECONDITION  one is null, or no process.
//   others               the system has no more handles to wait with.
absl::StatusOr<size_t> WaitAny(
    absl::Span<Process* const> processes,
    absl::Duration timeout = absl::InfiniteDuration());

// Waits until all of `processes` have ended, for `timeout` at most; OK for
// none.
//   DEADLINE_EXCEEDED    some still run after `timeout`; the message says how
//                        many, and the pid of one.
//   FAILED_PRECONDITION  one is null, or no process.
absl::Status WaitAll(absl::Span<Process* const> processes,
                     absl::Duration timeout = absl::InfiniteDuration());

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WAIT_MANY_H_
