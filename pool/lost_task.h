// What a task's future, or the pool's failure, says of a task that has failed,
// or of a worker that is gone.
// Thread-safe: pure functions.

#ifndef MULTIPROC_POOL_LOST_TASK_H_
#define MULTIPROC_POOL_LOST_TASK_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/pool/task.h"
#include "multiproc/pool/worker_process.h"

namespace multiproc {

// What `worker` has answered: if that is the task's own error, it says which
// task it was, whatever the worker has written there.
absl::Status AnswerError(const Task& task, const WorkerProcess& worker,
                         const StatusProto& answer);

// How a worker ended, and whether the kernel's out-of-memory killer did it, if
// that is known (OomWatch::Explain).
struct WorkerDeath {
  ExitStatus exit_status;
  std::optional<bool> oom_killed;
};

// UNAVAILABLE: how `worker` ended, or for what the pool killed it.
absl::Status DeathError(const WorkerProcess& worker, const WorkerDeath& death);

// What becomes of a task that its worker took along: the reason for which the
// pool killed the worker, or that it died; with a TaskFailure.
absl::Status LostTaskError(const Task& task, const WorkerProcess& worker,
                           const WorkerDeath& death);

// Of a task that only `worker` was to run, and that it has not begun before its
// end: UNAVAILABLE.
absl::Status LeftTaskError(const Task& task, const WorkerProcess& worker);

// CANCELLED, for a task that was, and that no worker took along: `what` became
// of it.
absl::Status CancelledTaskError(const Task& task, absl::string_view what);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_LOST_TASK_H_
