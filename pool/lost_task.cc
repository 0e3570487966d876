#include "multiproc/pool/lost_task.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "multiproc/functions/task_status.h"

namespace multiproc {
namespace {

TaskFailure MakeFailure(const Task& task, const WorkerProcess& worker,
                        const ExitStatus& exit_status) {
  TaskFailure failure;
  failure.set_task_id(task.id);
  failure.set_function(task.function());
  failure.set_worker_pid(worker.pid());
  failure.set_attempt(task.attempt);
  if (exit_status.exited()) {
    failure.set_exit_code(*exit_status.exit_code());
  }
  if (exit_status.signaled()) failure.set_signal(*exit_status.signal());
  return failure;
}

// "the worker exited with code 3", "the worker was killed by signal 9
// (Killed)".
std::string HowItEnded(const ExitStatus& exit_status) {
  return absl::StrCat(exit_status.signaled() ? "was " : "",
                      exit_status.ToString());
}

}  // namespace

absl::Status DeathError(const WorkerProcess& worker,
                        const ExitStatus& exit_status) {
  return absl::UnavailableError(absl::StrCat(
      "worker pid ", worker.pid(), " ",
      worker.kill_reason().ok() ? HowItEnded(exit_status)
                                : std::string(worker.kill_reason().message())));
}

absl::Status LostTaskError(const Task& task, const WorkerProcess& worker,
                           const ExitStatus& exit_status) {
  const bool for_it = worker.WasKilledFor(task);
  const absl::Status& reason = worker.kill_reason();
  const absl::StatusCode code =
      for_it ? reason.code() : absl::StatusCode::kUnavailable;
  const std::string what =
      for_it ? std::string(reason.message())
             : absl::StrCat("the worker ", HowItEnded(exit_status));
  absl::Status status(
      code,
      absl::StrCat("task ", task.id, " '", task.function(), "', attempt ",
                   task.attempt, ", worker pid ", worker.pid(), ": ", what));
  SetTaskFailure(MakeFailure(task, worker, exit_status), &status);
  return status;
}

}  // namespace multiproc
