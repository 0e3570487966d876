#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/chaos_actions.h"

namespace multiproc {
namespace {

constexpr int kDescriptors = 64;
constexpr char kGarbage[] = "chaos: on every descriptor\n";

// A daemon that nobody ends, for the test was killed before it came to be, ends
// by itself.
constexpr unsigned kDaemonSeconds = 300;

std::string LeashPath(const std::string& folder) {
  return absl::StrCat(folder, "/leash");
}
std::string AlivePath(const std::string& folder) {
  return absl::StrCat(folder, "/alive");
}

// Waits until nobody holds the other end of the FIFO; whether that is so.
bool WaitForOtherEnd(int fd, absl::Duration timeout) {
  struct pollfd entry = {fd, 0, 0};
  return poll(&entry, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) >
         0;
}

// ---- In a worker ----

void WriteEverywhere() {
  for (int fd = 0; fd < kDescriptors; ++fd) {
    (void)!write(fd, kGarbage, sizeof(kGarbage) - 1);
  }
}

void CloseDescriptors() {
  for (int fd = 0; fd < kDescriptors; ++fd) close(fd);
}

[[noreturn]] void BeDaemon(int leash) {
  signal(SIGALRM, SIG_DFL);
  alarm(kDaemonSeconds);
  struct pollfd entry = {leash, 0, 0};
  while (poll(&entry, 1, -1) <= 0) {
  }
  _exit(0);
}

// It is an orphan at once. What it needs is open before it is: so the test
// knows of it from its first moment on.
absl::Status LeaveDaemon(const std::string& folder) {
  const int leash =
      open(LeashPath(folder).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const int alive =
      open(AlivePath(folder).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (leash < 0 || alive < 0) return absl::ErrnoToStatus(errno, "open");
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() == 0) BeDaemon(leash);
    _exit(0);
  }
  close(leash);
  close(alive);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return absl::OkStatus();
}

sigjmp_buf out_of_handler;

void JumpOut(int) { siglongjmp(out_of_handler, 1); }

void JumpFromHandler() {
  if (sigsetjmp(out_of_handler, /*savesigs=*/1) == 0) {
    signal(SIGALRM, JumpOut);
    struct itimerval once = {};
    once.it_value.tv_usec = 500;
    setitimer(ITIMER_REAL, &once, nullptr);
    while (true) pause();
  }
  signal(SIGALRM, SIG_DFL);
}

jmp_buf in_main;

}  // namespace

absl::string_view WhyNotHere(ChaosAction action) {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  if (action == ChaosAction::kJumpFromHandler) {
    return "ThreadSanitizer runs handlers where it likes";
  }
#else
  (void)action;
#endif
  return "";
}

absl::Status RunSystemAction(ChaosAction action, const std::string& folder) {
  switch (action) {
    case ChaosAction::kStop:
      raise(SIGSTOP);
      break;
    case ChaosAction::kWriteEverywhere:
      WriteEverywhere();
      break;
    case ChaosAction::kCloseDescriptors:
      CloseDescriptors();
      break;
    case ChaosAction::kDaemon:
      return LeaveDaemon(folder);
    case ChaosAction::kJumpFromHandler:
      JumpFromHandler();
      break;
    case ChaosAction::kJumpToMain:
      longjmp(in_main, 1);
    default:
      return absl::UnimplementedError("not the system's");
  }
  return absl::OkStatus();
}

int CallWithJumpTarget(int (*rest)(int argc, char** argv), int argc,
                       char** argv) {
  if (setjmp(in_main) != 0) return static_cast<int>(kJumpCode);
  return rest(argc, argv);
}

// ---- In the test ----

DaemonLeash::DaemonLeash(const std::string& folder) : folder_(folder) {
  mkfifo(LeashPath(folder).c_str(), 0600);
  mkfifo(AlivePath(folder).c_str(), 0600);
  // For both directions, which on Linux waits for nobody (fifo(7)).
  leash_ =
      ScopedFileHandle(open(LeashPath(folder).c_str(), O_RDWR | O_CLOEXEC));
  alive_ = ScopedFileHandle(
      open(AlivePath(folder).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

bool DaemonLeash::End(absl::Duration timeout) {
  leash_.reset();
  // An end is only one where there was a writer.
  ScopedFileHandle(open(AlivePath(folder_).c_str(), O_WRONLY | O_CLOEXEC))
      .reset();
  return WaitForOtherEnd(alive_.get(), timeout);
}

bool HasNoChild() {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 &&
         errno == ECHILD;
}

}  // namespace multiproc
