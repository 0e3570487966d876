#include "multiproc/pool/lost_task.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
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

TaskFailure MakeFailure(const Task& task, const WorkerProcess& worker,
                        const ExitStatus& exit_status) {
  TaskFailure failure = MakeFailure(task);
  failure.set_worker_pid(worker.pid());
  if (exit_status.exited()) {
    failure.set_exit_code(*exit_status.exit_code());
  }
  if (exit_status.signaled()) failure.set_signal(*exit_status.signal());
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
std::string HowItEnded(const ExitStatus& exit_status) {
  return absl::StrCat(exit_status.signaled() ? "was " : "",
                      exit_status.ToString());
}

absl::string_view TailOf(const WorkerProcess& worker, uint64_t task_id) {
  return worker.capture() == nullptr ? absl::string_view()
                                     : worker.capture()->StderrTail(task_id);
}

// "; it wrote last: "..."": one line or two of `tail`, which are not the frames
// of a stack trace; or nothing.
std::string LastWords(absl::string_view tail) {
  constexpr size_t kMostLines = 2;
  constexpr size_t kMostBytes = 240;
  std::vector<absl::string_view> last;
  const std::vector<absl::string_view> lines = absl::StrSplit(tail, '\n');
  for (auto it = lines.rbegin(); it != lines.rend(); ++it) {
    if (it->empty() || absl::ascii_isspace((*it)[0])) continue;
    last.insert(last.begin(), *it);
    if (last.size() == kMostLines) break;
  }
  if (last.empty()) return "";
  std::string words = absl::StrJoin(last, "\n");
  if (words.size() > kMostBytes) {
    words = absl::StrCat("...", words.substr(words.size() - kMostBytes));
  }
  return absl::StrCat("; it wrote last: \"", absl::Utf8SafeCEscape(words),
                      "\"");
}

}  // namespace

absl::Status DeathError(const WorkerProcess& worker,
                        const ExitStatus& exit_status) {
  return absl::UnavailableError(absl::StrCat(
      "worker pid ", worker.pid(), " ",
      worker.kill_reason().ok() ? HowItEnded(exit_status)
                                : std::string(worker.kill_reason().message()),
      LastWords(TailOf(worker, 0))));
}

absl::Status LostTaskError(const Task& task, const WorkerProcess& worker,
                           const ExitStatus& exit_status) {
  const bool for_it = worker.WasKilledFor(task);
  const absl::Status& reason = worker.kill_reason();
  absl::StatusCode code =
      for_it ? reason.code() : absl::StatusCode::kUnavailable;
  std::string what = for_it
                         ? std::string(reason.message())
                         : absl::StrCat("the worker ", HowItEnded(exit_status));
  // However it ended then: nobody wants it.
  if (task.cancelled && code != absl::StatusCode::kCancelled) {
    code = absl::StatusCode::kCancelled;
    what = absl::StrCat("it was cancelled; ", what);
  }
  const absl::string_view tail = TailOf(worker, task.id);
  absl::Status status(
      code,
      absl::StrCat(NameOf(task), ", attempt ", task.attempt, ", worker pid ",
                   worker.pid(), ": ", what, LastWords(tail)));
  TaskFailure failure = MakeFailure(task, worker, exit_status);
  failure.set_stderr_tail(std::string(tail));
  SetTaskFailure(failure, &status);
  return status;
}

absl::Status CancelledTaskError(const Task& task, absl::string_view what) {
  absl::Status status =
      absl::CancelledError(absl::StrCat(NameOf(task), " was cancelled", what));
  SetTaskFailure(MakeFailure(task), &status);
  return status;
}

}  // namespace multiproc
