#include "multiproc/executors/process_tree.h"

#include <errno.h>
#include <signal.h>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/posix_error.h"

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/handle_table.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/executors/proc_stat.h"
#endif

namespace multiproc {
namespace {

// ESRCH: it has ended.
absl::Status SignalStatus(int pid, int result) {
  if (result == 0 || errno == ESRCH) return absl::OkStatus();
  return PosixError("kill", absl::StrCat(pid), errno);
}

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)

// pidfd_open(2) and pidfd_send_signal(2): the same numbers everywhere.
constexpr int kPidfdOpen = 434;
constexpr int kPidfdSendSignal = 424;

// How long a process may take to stop. One that forks is stopped at the end of
// it, which for 100 GB of memory takes a second or two.
constexpr absl::Duration kStopTimeout = absl::Seconds(10);

// As kill(2), by `pidfd` if there is one.
int Signal(int pid, FileHandle pidfd, int signal) {
  if (pidfd == kInvalidFileHandle) return kill(pid, signal);
  return static_cast<int>(syscall(kPidfdSendSignal, pidfd, signal, nullptr, 0));
}

// Invalid before Linux 5.3, and for want of descriptors.
ScopedFileHandle OpenPidfd(int pid) {
  const HandleTable::Lock lock;
  const int fd = static_cast<int>(syscall(kPidfdOpen, pid, 0));
  if (fd < 0) return ScopedFileHandle();
  return ScopedFileHandle::Adopt(HandleTable::AddNew(lock, fd));
}

std::string FolderOf(int pid) { return absl::StrCat("/proc/", pid); }

// One that runs no code before somebody lets it go on: stopped (T), by a
// debugger (t), or ended. It starts no other.
bool IsStopped(char state) {
  return state == 'T' || state == 't' || state == 'Z' || state == 'X' ||
         state == 'x';
}

// The descendants of one process, each stopped as soon as it is known.
//
// A signal does not stop at once: since Linux 4.19 a fork(2) that has begun is
// finished first, and its child is in /proc only then (kernel commit
// c3ad2c3b02e9). So what counts is that each task of those known was seen
// stopped, and after that neither another task of theirs nor another process
// was found.
class Descendants {
 public:
  // The root, and `pidfd` as of KillProcessTree.
  Descendants(int root, FileHandle pidfd) : root_(root), root_pidfd_(pidfd) {}

  // Stops the root, too, which is there. An error says that some may not have
  // been found.
  absl::Status StopAll() {
    absl::Status status = CheckProc();
    if (!status.ok()) return status;
    AddRoot();
    const absl::Time deadline = MonotonicNow() + kStopTimeout;
    absl::Duration pause = absl::Microseconds(100);
    while (true) {
      const bool were_stopped = LookAtTasks();
      const bool found = StopNew();
      if (!found_error_.ok() || (were_stopped && !found)) break;
      if (MonotonicNow() > deadline) return DoNotStopError();
      ReleaseParents();
      if (found) continue;
      absl::SleepFor(pause);
      pause = (std::min)(2 * pause, absl::Milliseconds(10));
    }
    return found_error_;
  }

  // All but the root. Children before their parents: a parent that ends first
  // makes an orphan of a process group, and if some of that are stopped, the
  // kernel lets them go on (setpgid(2), SIGCONT).
  absl::Status KillAll() {
    for (size_t i = processes_.size(); i-- > 0;) {
      if (processes_[i].pid != root_) Send(processes_[i], SIGKILL);
    }
    return signal_error_;
  }

 private:
  struct Found {
    int pid;
    uint64_t start;
    int parent;
    // Whether some task waits in a way that a signal does not end (D). Such is
    // the parent of a vfork(2), until its child, which is stopped, goes on.
    bool waits = false;
    // Whether all of its tasks were stopped before all of its children were
    // looked for.
    bool was_stopped = false;
  };

  void AddRoot() {
    const std::optional<ProcStat> stat = StatOf(FolderOf(root_));
    if (!stat.has_value()) return;
    starts_[root_] = stat->start;
    const Found root = {root_, stat->start, stat->parent};
    if (Send(root, SIGSTOP)) processes_.push_back(root);
  }

  std::optional<ProcStat> StatOf(const std::string& folder) {
    absl::StatusOr<std::optional<ProcStat>> stat = ReadProcStat(folder);
    found_error_.Update(stat.status());
    return stat.ok() ? *stat : std::nullopt;
  }

  std::vector<int> NumbersIn(const std::string& folder) {
    absl::StatusOr<std::vector<int>> numbers = ListNumbers(folder);
    found_error_.Update(numbers.status());
    return numbers.ok() ? *std::move(numbers) : std::vector<int>();
  }

  // Whether `pid` is still the process that is known by that number.
  bool IsKnown(int pid) {
    const auto known = starts_.find(pid);
    if (known == starts_.end()) return false;
    const std::optional<ProcStat> stat = StatOf(FolderOf(pid));
    return stat.has_value() && stat->start == known->second;
  }

  // Whether every task of those known is stopped, and was at the last look.
  // Those that are not, or go on again, get another SIGSTOP.
  bool LookAtTasks() {
    std::set<int> stopped;
    bool all_were = true;
    for (Found& process : processes_) {
      process.was_stopped = LookAtTasksOf(process, &stopped);
      all_were = process.was_stopped && all_were;
    }
    stopped_.swap(stopped);
    return all_were;
  }

  bool LookAtTasksOf(Found& process, std::set<int>* stopped) {
    process.waits = false;
    if (!IsKnown(process.pid)) return true;
    const std::string folder = FolderOf(process.pid) + "/task";
    bool all_are = true;
    bool all_were = true;
    for (const int task : NumbersIn(folder)) {
      const std::optional<ProcStat> stat =
          StatOf(absl::StrCat(folder, "/", task));
      if (!stat.has_value()) continue;
      all_were = all_were && stopped_.count(task) != 0;
      if (IsStopped(stat->state)) {
        stopped->insert(task);
      } else {
        all_are = false;
        process.waits = process.waits || stat->state == 'D';
      }
    }
    if (!all_are) Send(process, SIGSTOP);
    return all_are && all_were;
  }

  // Whether there were any.
  bool StopNew() {
    bool found = false;
    for (const int pid : NumbersIn("/proc")) {
      const std::optional<ProcStat> stat = StatOf(FolderOf(pid));
      if (!stat.has_value() || starts_.count(stat->parent) == 0) continue;
      const auto known = starts_.find(pid);
      if (known != starts_.end() && known->second == stat->start) continue;
      if (!IsKnown(stat->parent)) continue;
      found = true;
      starts_[pid] = stat->start;
      const Found process = {pid, stat->start, stat->parent};
      // What can't be stopped is not waited for.
      if (Send(process, SIGSTOP)) processes_.push_back(process);
    }
    return found;
  }

  // Kills the stopped children of what may wait for them, so that it stops
  // itself, but only those that have none themselves: none is lost by it.
  void ReleaseParents() {
    std::set<int> waiting;
    std::set<int> parents;
    for (const Found& process : processes_) {
      if (process.waits) waiting.insert(process.pid);
      parents.insert(process.parent);
    }
    for (const Found& process : processes_) {
      if (process.was_stopped && process.pid != root_ &&
          waiting.count(process.parent) != 0 &&
          parents.count(process.pid) == 0) {
        Send(process, SIGKILL);
      }
    }
  }

  // False if it can't be sent one. Nothing is sent to another process that has
  // got the number: its start is read after a pidfd was had. Without one there
  // is a moment in between; but its parent, which would have to collect it
  // first, is stopped.
  bool Send(const Found& process, int signal) {
    int result = 0;
    if (process.pid == root_) {
      result = Signal(root_, root_pidfd_, signal);
    } else {
      const ScopedFileHandle pidfd = OpenPidfd(process.pid);
      const std::optional<ProcStat> stat = StatOf(FolderOf(process.pid));
      if (!stat.has_value() || stat->start != process.start) return true;
      result = Signal(process.pid, pidfd.get(), signal);
    }
    absl::Status status = SignalStatus(process.pid, result);
    signal_error_.Update(status);
    return status.ok();
  }

  absl::Status DoNotStopError() const {
    std::string pids;
    for (const Found& process : processes_) {
      if (!process.was_stopped) absl::StrAppend(&pids, " ", process.pid);
    }
    return absl::DeadlineExceededError(absl::StrCat(
        "these had not stopped ", absl::FormatDuration(kStopTimeout),
        " after SIGSTOP, and what they have started since may run:", pids));
  }

  const int root_;
  const FileHandle root_pidfd_;
  // Those that can be stopped, in the order in which they were found: parents
  // before children.
  std::vector<Found> processes_;
  // When each process that is known by its number began; also of those that
  // can't be sent signals, as their children may.
  std::map<int, uint64_t> starts_;
  // The tasks that were stopped at the last look.
  std::set<int> stopped_;
  absl::Status found_error_;
  absl::Status signal_error_;
};

#endif

}  // namespace

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)

absl::Status KillProcessTree(int pid, FileHandle pidfd, bool leads_group) {
  // What was collected has no number any more.
  if (Signal(pid, pidfd, SIGSTOP) != 0 && errno == ESRCH) {
    return absl::OkStatus();
  }
  Descendants descendants(pid, pidfd);
  absl::Status status = descendants.StopAll();
  status.Update(descendants.KillAll());
  // The number is the group's as long as its root is there, which is stopped.
  // Its end is what others wait for, and so comes last.
  if (leads_group) status.Update(SignalStatus(pid, kill(-pid, SIGKILL)));
  status.Update(SignalStatus(pid, Signal(pid, pidfd, SIGKILL)));
  return status;
}

#else

absl::Status KillProcessTree(int pid, FileHandle, bool leads_group) {
  absl::Status status;
  // The number is the group's as long as the child's end is not collected.
  if (leads_group) status.Update(SignalStatus(pid, kill(-pid, SIGKILL)));
  status.Update(SignalStatus(pid, kill(pid, SIGKILL)));
  return status;
}

#endif

}  // namespace multiproc
