#include "multiproc/executors/wait_many.h"

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/executors/poller.h"

namespace multiproc {
namespace {

absl::Status CheckProcesses(absl::Span<Process* const> processes) {
  for (size_t i = 0; i < processes.size(); ++i) {
    if (processes[i] == nullptr || !*processes[i]) {
      return absl::FailedPreconditionError(
          absl::StrCat("there is no process at index ", i));
    }
  }
  return absl::OkStatus();
}

absl::Status WatchAll(absl::Span<Process* const> processes, Poller& poller) {
  // A handle may be watched once, and a process be given twice.
  std::set<FileHandle> watched;
  for (size_t i = 0; i < processes.size(); ++i) {
    const FileHandle exit_event = processes[i]->exit_event();
    if (!watched.insert(exit_event).second) continue;
    absl::Status status = poller.Watch(exit_event, i, Poller::kReadable);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status StillRunError(size_t running, const Process& one,
                           absl::Duration timeout) {
  return absl::DeadlineExceededError(absl::StrCat(
      running, " process(es), ", one.pid(), " among them, still run after ",
      absl::FormatDuration(timeout)));
}

}  // namespace

absl::StatusOr<size_t> WaitAny(absl::Span<Process* const> processes,
                               absl::Duration timeout) {
  if (processes.empty()) {
    return absl::InvalidArgumentError("WaitAny: there are no processes");
  }
  absl::Status status = CheckProcesses(processes);
  if (!status.ok()) return status;
  const absl::StatusOr<std::unique_ptr<Poller>> poller = Poller::Create();
  if (!poller.ok()) return poller.status();
  status = WatchAll(processes, **poller);
  if (!status.ok()) return status;
  const absl::Time deadline = MonotonicNow() + timeout;
  std::vector<uint64_t> ended;
  do {
    (*poller)->Wait(deadline - MonotonicNow(), &ended);
    if (!ended.empty()) return static_cast<size_t>(ended.front());
  } while (MonotonicNow() < deadline);
  return StillRunError(processes.size(), *processes.front(), timeout);
}

absl::Status WaitAll(absl::Span<Process* const> processes,
                     absl::Duration timeout) {
  absl::Status status = CheckProcesses(processes);
  if (!status.ok()) return status;
  const absl::Time deadline = MonotonicNow() + timeout;
  size_t running = 0;
  const Process* one = nullptr;
  for (Process* const process : processes) {
    status = process->WaitWithTimeout(deadline - MonotonicNow()).status();
    if (status.ok()) continue;
    if (!absl::IsDeadlineExceeded(status)) return status;
    ++running;
    one = process;
  }
  if (running == 0) return absl::OkStatus();
  return StillRunError(running, *one, timeout);
}

}  // namespace multiproc
