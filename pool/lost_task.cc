#include "multiproc/pool/lost_task.h"

#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/worker_capture.h"

namespace multiproc {
namespace {

TaskFailure MakeFailure(const Task& task) {
  TaskFailure failure;
  failure.set_task_id(task.id);
  failure.set_function(task.function());
  failure.set_attempt(task.attempt);
  failure.set_label(std::string(task.label()));
  return failure;
}

TaskFailure MakeFailure(const Task& task, const WorkerProcess& worker) {
  TaskFailure failure = MakeFailure(task);
  failure.set_worker_pid(worker.pid());
  failure.set_worker_id(worker.id());
  return failure;
}

TaskFailure MakeFailure(const Task& task, const WorkerProcess& worker,
                        const WorkerDeath& death) {
  const ExitStatus& exit_status = death.exit_status;
  TaskFailure failure = MakeFailure(task, worker);
  if (exit_status.exited()) {
    failure.set_exit_code(*exit_status.exit_code());
  }
  if (exit_status.signaled()) failure.set_signal(*exit_status.signal());
  if (worker.capture() != nullptr) {
    failure.set_stderr_tail(std::string(worker.capture()->StderrTail(task.id)));
  }
  if (death.oom_killed.has_value()) failure.set_oom_killed(*death.oom_killed);
  return failure;
}

// "task 7 'Sum' (May)".
std::string NameOf(const Task& task) {
  return absl::StrCat(
      "task ", task.id, " '", task.function(), "'",
      task.label().empty() ? "" : absl::StrCat(" (", task.label(), ")"));
}

// "the worker exited with code 3", "the worker was killed by signal 9
// (Killed)".
std::string HowItEnded(const WorkerDeath& death) {
  return absl::StrCat(death.exit_status.signaled() ? "was " : "",
                      death.exit_status.ToString(),
                      death.oom_killed.value_or(false)
                          ? ", by the kernel's out-of-memory killer"
                          : "");
}

// "; it wrote last: "..."", or nothing.
std::string LastWords(const WorkerProcess& worker, uint64_t task_id) {
  if (worker.capture() == nullptr) return "";
  const std::string lines = worker.capture()->LastLines(task_id);
  if (lines.empty()) return "";
  return absl::StrCat(
      "; it wrote last: \"",
      absl::StrReplaceAll(absl::Utf8SafeCEscape(lines), {{"\\'", "'"}}), "\"");
}

}  // namespace

absl::Status AnswerError(const Task& task, const WorkerProcess& worker,
                         const StatusProto& answer) {
  absl::Status status = StatusFromProto(answer);
  if (IsTaskError(status)) {
    SetTaskErrorSource(MakeFailure(task, worker), &status);
  }
  return status;
}

absl::Status DeathError(const WorkerProcess& worker, const WorkerDeath& death) {
  return absl::UnavailableError(absl::StrCat(
      "worker pid ", worker.pid(), " ",
      worker.kill_reason().ok() ? HowItEnded(death)
                                : std::string(worker.kill_reason().message()),
      LastWords(worker, 0)));
}

absl::Status LostTaskError(const Task& task, const WorkerProcess& worker,
                           const WorkerDeath& death) {
  const bool for_it = worker.WasKilledFor(task);
  const absl::Status& reason = worker.kill_reason();
  absl::StatusCode code =
      for_it ? reason.code() : absl::StatusCode::kUnavailable;
  std::string what = for_it ? std::string(reason.message())
                            : absl::StrCat("the worker ", HowItEnded(death));
  // However it ended then: nobody wants it.
  if (task.cancelled && code != absl::StatusCode::kCancelled) {
    code = absl::StatusCode::kCancelled;
    what = absl::StrCat("it was cancelled; ", what);
  }
  absl::Status status(
      code,
      absl::StrCat(NameOf(task), ", attempt ", task.attempt, ", worker pid ",
                   worker.pid(), ": ", what, LastWords(worker, task.id)));
  SetTaskFailure(MakeFailure(task, worker, death), &status);
  return status;
}

absl::Status LeftTaskError(const Task& task, const WorkerProcess& worker) {
  absl::Status status = absl::UnavailableError(
      absl::StrCat(NameOf(task), ": its worker, pid ", worker.pid(),
                   ", ended or left before it began"));
  SetTaskFailure(MakeFailure(task, worker), &status);
  return status;
}

absl::Status CancelledTaskError(const Task& task, absl::string_view what) {
  absl::Status status =
      absl::CancelledError(absl::StrCat(NameOf(task), " was cancelled", what));
  SetTaskFailure(MakeFailure(task), &status);
  return status;
}

}  // namespace multiproc
