#include "multiproc/executors/posix_child.h"

#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
#include <sys/syscall.h>
#endif

#include <atomic>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/handle_table.h"
#include "multiproc/executors/library_thread.h"
#include "multiproc/executors/posix_error.h"
#include "multiproc/executors/process_tree.h"

namespace multiproc {
namespace {

// A child that is traced (by a debugger, or at its end by LeakSanitizer) and
// has ended is its tracer's to wait for first: ptrace(2). How often, and after
// how long, it is asked for again.
constexpr int kTries = 20;
constexpr absl::Duration kTryInterval = absl::Milliseconds(5);

ExitStatus FromSiginfo(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) {
    return ExitStatus::Exited(static_cast<uint32_t>(info.si_status));
  }
  return ExitStatus::Signaled(info.si_status, info.si_code == CLD_DUMPED);
}

// waitid(2), whatever signals come; whether there was a child to wait for.
bool WaitUninterrupted(int pid, int options) {
  siginfo_t info;
  int result;
  do {
    result = waitid(P_PID, static_cast<id_t>(pid), &info, options);
  } while (result != 0 && errno == EINTR);
  return result == 0 || errno != ECHILD;
}

// Leaves no zombie, however long the tracer takes. The pid is the child's until
// then.
void CollectLater(int pid) {
  LibraryThread::StartDetached([pid] {
    WaitUninterrupted(pid, WEXITED);
  }).IgnoreError();
}

// The status of child `pid`, which has ended; `type` and `id` stand for it,
// too. ECHILD: the host ignores SIGCHLD, or somebody else collected the child.
absl::StatusOr<ExitStatus> WaitById(int pid, idtype_t type, id_t id) {
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) absl::SleepFor(kTryInterval);
    siginfo_t info = {};
    while (waitid(type, id, &info, WEXITED | WNOHANG) != 0) {
      if (errno == ECHILD) return ExitStatus::Unknown();
      if (errno != EINTR) return PosixError("waitid", "", errno);
    }
    if (info.si_pid != 0) return FromSiginfo(info);
  }
  CollectLater(pid);
  return ExitStatus::Unknown();
}

absl::Status SignalResult(int result) {
  // ESRCH: it has ended, and somebody else collected it.
  if (result == 0 || errno == ESRCH) return absl::OkStatus();
  return PosixError("kill", "", errno);
}

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
// pidfd_open(2). Numbers, as the C library may be older than the kernel; they
// are the same on every architecture.
constexpr int kPidfdOpen = 434;
constexpr int kPidfdSendSignal = 424;
constexpr idtype_t kWaitByPidfd = static_cast<idtype_t>(3);  // P_PIDFD

class PidfdChild : public ChildHandle {
 public:
  PidfdChild(int pid, bool leads_group, ScopedFileHandle pidfd)
      : pid_(pid), leads_group_(leads_group), pidfd_(std::move(pidfd)) {}

  int64_t pid() const override { return pid_; }
  FileHandle exit_event() const override { return pidfd_.get(); }
  absl::StatusOr<ExitStatus> Reap() override {
    return WaitById(pid_, kWaitByPidfd, static_cast<id_t>(pidfd_.get()));
  }
  absl::Status Interrupt() override { return Send(SIGINT); }
  absl::Status Terminate() override { return Send(SIGTERM); }
  absl::Status Kill() override { return Send(SIGKILL); }
  absl::Status KillTree() override {
    return KillProcessTree(pid_, pidfd_.get(), leads_group_);
  }

 private:
  // Never reaches another process that got the same pid.
  absl::Status Send(int signal) {
    return SignalResult(static_cast<int>(
        syscall(kPidfdSendSignal, pidfd_.get(), signal, nullptr, 0)));
  }

  const int pid_;
  const bool leads_group_;
  const ScopedFileHandle pidfd_;
};

// Linux before 5.4 has no waitid by pidfd, and says EINVAL.
bool CanWaitByPidfd(int pidfd) {
  static std::atomic<bool> has_succeeded{false};
  if (has_succeeded) return true;
  siginfo_t info;
  has_succeeded = waitid(kWaitByPidfd, static_cast<id_t>(pidfd), &info,
                         WEXITED | WNOHANG | WNOWAIT) == 0 ||
                  errno == ECHILD;
  return has_succeeded;
}

// Null where the kernel, or its seccomp filter, has no pidfds.
std::unique_ptr<ChildHandle> WatchByPidfd(int pid, bool leads_group) {
  ScopedFileHandle pidfd;
  {
    const HandleTable::Lock lock;
    const int fd = static_cast<int>(syscall(kPidfdOpen, pid, 0));
    if (fd < 0) return nullptr;
    pidfd = ScopedFileHandle::Adopt(HandleTable::AddNew(lock, fd));
  }
  if (!CanWaitByPidfd(pidfd.get())) return nullptr;
  return std::make_unique<PidfdChild>(pid, leads_group, std::move(pidfd));
}
#else
std::unique_ptr<ChildHandle> WatchByPidfd(int, bool) { return nullptr; }
#endif

// What the thread that waits for a child tells.
struct ChildWatch {
  // Before it closes `exit_event`: that somebody, or the system, has collected
  // the child, whose pid may be another's.
  std::atomic<bool> is_collected{false};
  ScopedFileHandle exit_event;
};

// Waits on a thread of its own with WNOWAIT, which leaves the child to be
// collected: until Reap its pid can't be given to another process, unless the
// program ignores SIGCHLD.
class ThreadWatchedChild : public ChildHandle {
 public:
  ThreadWatchedChild(int pid, bool leads_group, ScopedFileHandle exit_event,
                     std::shared_ptr<const ChildWatch> watch)
      : pid_(pid),
        leads_group_(leads_group),
        exit_event_(std::move(exit_event)),
        watch_(std::move(watch)) {}

  int64_t pid() const override { return pid_; }
  FileHandle exit_event() const override { return exit_event_.get(); }
  absl::StatusOr<ExitStatus> Reap() override {
    if (watch_->is_collected) return ExitStatus::Unknown();
    return WaitById(pid_, P_PID, static_cast<id_t>(pid_));
  }
  absl::Status Interrupt() override { return Send(SIGINT); }
  absl::Status Terminate() override { return Send(SIGTERM); }
  absl::Status Kill() override { return Send(SIGKILL); }
  absl::Status KillTree() override {
    if (IsCollected()) return absl::OkStatus();
    return KillProcessTree(pid_, kInvalidFileHandle, leads_group_);
  }

 private:
  // The system does it at once where SIGCHLD is ignored. (It may do so right
  // after this: only a pidfd is safe from that.) The number may be that of a
  // later child by now, and so what the thread saw comes first.
  bool IsCollected() const {
    siginfo_t info;
    return watch_->is_collected ||
           (waitid(P_PID, static_cast<id_t>(pid_), &info,
                   WEXITED | WNOHANG | WNOWAIT) != 0 &&
            errno == ECHILD);
  }

  absl::Status Send(int signal) {
    if (IsCollected()) return absl::OkStatus();
    return SignalResult(kill(pid_, signal));
  }

  const int pid_;
  const bool leads_group_;
  const ScopedFileHandle exit_event_;
  const std::shared_ptr<const ChildWatch> watch_;
};

absl::StatusOr<std::unique_ptr<ChildHandle>> WatchByThread(int pid,
                                                           bool leads_group) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  if (!pipe.ok()) return pipe.status();
  auto watch = std::make_shared<ChildWatch>();
  watch->exit_event = std::move(pipe->write_end);
  absl::Status started = LibraryThread::StartDetached([pid, watch] {
    watch->is_collected = !WaitUninterrupted(pid, WEXITED | WNOWAIT);
    watch->exit_event.reset();
  });
  if (!started.ok()) return started;
  return std::make_unique<ThreadWatchedChild>(
      pid, leads_group, std::move(pipe->read_end), std::move(watch));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildHandle>> WatchPosixChild(int pid,
                                                             bool leads_group) {
  std::unique_ptr<ChildHandle> child = WatchByPidfd(pid, leads_group);
  if (child != nullptr) return child;
  absl::StatusOr<std::unique_ptr<ChildHandle>> watched =
      WatchByThread(pid, leads_group);
  if (!watched.ok()) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  return watched;
}

}  // namespace multiproc
