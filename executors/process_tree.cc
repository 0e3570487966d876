#include "multiproc/executors/process_tree.h"

#include <errno.h>
#include <signal.h>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/posix_error.h"

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/handle_table.h"
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

// The parent of `pid`; nullopt for what has ended. proc_pid_stat(5): the name
// is in parentheses, and may hold some.
std::optional<int> ParentOf(int pid) {
  const std::string path = absl::StrCat("/proc/", pid, "/stat");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  char buffer[512];
  const ssize_t size = read(fd, buffer, sizeof(buffer) - 1);
  close(fd);
  if (size <= 0) return std::nullopt;
  const absl::string_view text(buffer, static_cast<size_t>(size));
  buffer[size] = '\0';
  const size_t end_of_name = text.rfind(')');
  char state = 'Z';
  int parent = 0;
  if (end_of_name == text.npos ||
      sscanf(buffer + end_of_name + 1, " %c %d", &state, &parent) != 2 ||
      state == 'Z') {
    return std::nullopt;
  }
  return parent;
}

// The descendants of one process, each stopped as soon as it is known: a
// process that is stopped starts no other. (fork(2) either has its child in
// /proc before the signal is sent, or sees the signal, and is begun anew once
// the process goes on, which it does not.) So those that are known when
// nothing new is found any more are all.
class Descendants {
 public:
  explicit Descendants(int root) : root_(root) {}

  void StopAll() {
    Keep(SignalStatus(root_, kill(root_, SIGSTOP)));
    while (StopNew()) {
    }
  }

  // `root` last, whose end is what others wait for.
  absl::Status KillAll() {
    for (const auto& [pid, pidfd] : stopped_) Send(pid, pidfd, SIGKILL);
    Keep(SignalStatus(root_, kill(root_, SIGKILL)));
    return status_;
  }

 private:
  bool IsKnown(int pid) const {
    return pid == root_ || stopped_.count(pid) != 0;
  }

  bool IsNew(int pid) const {
    if (IsKnown(pid)) return false;
    const std::optional<int> parent = ParentOf(pid);
    return parent.has_value() && IsKnown(*parent);
  }

  // Whether there were any.
  bool StopNew() {
    DIR* const folder = opendir("/proc");
    if (folder == nullptr) return false;
    bool found = false;
    while (const dirent* const entry = readdir(folder)) {
      int pid = 0;
      if (absl::SimpleAtoi(entry->d_name, &pid) && IsNew(pid)) {
        found = Stop(pid) || found;
      }
    }
    closedir(folder);
    return found;
  }

  // False if it has ended meanwhile.
  bool Stop(int pid) {
    ScopedFileHandle pidfd = OpenPidfd(pid);
    // It may be another process's pid by now, but not any more.
    if (!IsNew(pid)) return false;
    Send(pid, pidfd, SIGSTOP);
    stopped_.emplace(pid, std::move(pidfd));
    return true;
  }

  // Invalid before Linux 5.3.
  static ScopedFileHandle OpenPidfd(int pid) {
    const HandleTable::Lock lock;
    const int fd = static_cast<int>(syscall(kPidfdOpen, pid, 0));
    if (fd < 0) return ScopedFileHandle();
    return ScopedFileHandle::Adopt(HandleTable::AddNew(lock, fd));
  }

  // Without a pidfd by number, which stays the process's own: its parent, which
  // would have to collect it first, is stopped.
  void Send(int pid, const ScopedFileHandle& pidfd, int signal) {
    const int result =
        pidfd.is_valid()
            ? static_cast<int>(
                  syscall(kPidfdSendSignal, pidfd.get(), signal, nullptr, 0))
            : kill(pid, signal);
    Keep(SignalStatus(pid, result));
  }

  void Keep(absl::Status status) { status_.Update(std::move(status)); }

  const int root_;
  std::map<int, ScopedFileHandle> stopped_;
  absl::Status status_;
};

absl::Status KillDescendants(int pid) {
  Descendants descendants(pid);
  descendants.StopAll();
  return descendants.KillAll();
}

#else
absl::Status KillDescendants(int pid) {
  return SignalStatus(pid, kill(pid, SIGKILL));
}
#endif

}  // namespace

absl::Status KillProcessTree(int pid, bool leads_group) {
  // The descendants first, which may have left the group.
  absl::Status status = KillDescendants(pid);
  // The number is the group's as long as the child's end is not collected.
  if (leads_group) status.Update(SignalStatus(pid, kill(-pid, SIGKILL)));
  return status;
}

}  // namespace multiproc
