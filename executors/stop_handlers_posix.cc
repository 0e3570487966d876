#ifdef _WIN32
#error "Windows builds stop_handlers_win.cc"
#endif

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "multiproc/executors/stop_handlers.h"

namespace multiproc {
namespace {

constexpr std::array<int, 3> kStopSignals = {SIGINT, SIGTERM, SIGHUP};

struct Handled {
  bool is_ours = false;
  struct sigaction before = {};
};

std::array<Handled, kStopSignals.size()> handled;

// What comes sooner after the first signal is the same Ctrl-C.
constexpr int64_t kSameMilliseconds = 250;

// A handler may use nothing else (signal-safety(7)).
std::atomic<int> wake_fd{-1};
std::atomic<pid_t> handling_pid{0};
// 0 before the first signal.
std::atomic<int64_t> stopping_since{0};
static_assert(std::atomic<int>::is_always_lock_free &&
              std::atomic<int64_t>::is_always_lock_free);

int64_t NowMilliseconds() {
  struct timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void Tell(int signal) {
  const unsigned char byte = static_cast<unsigned char>(signal);
  // One byte finds room: nothing else is ever in that pipe.
  if (write(wake_fd, &byte, 1) != 1) EndBySignal(signal);
}

void OnStopSignal(int signal) {
  const int saved_errno = errno;
  // The program may have been forked by other code, which knows nothing of it.
  if (getpid() != handling_pid) EndBySignal(signal);
  const int64_t now = NowMilliseconds();
  int64_t since = 0;
  if (stopping_since.compare_exchange_strong(since, now)) {
    Tell(signal);
  } else if (signal == SIGINT && now - since >= kSameMilliseconds) {
    EndBySignal(SIGINT);
  }
  errno = saved_errno;
}

}  // namespace

void InstallStopHandlers(FileHandle wake) {
  wake_fd = wake;
  handling_pid = getpid();
  stopping_since = 0;
  struct sigaction action = {};
  action.sa_handler = OnStopSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : kStopSignals) sigaddset(&action.sa_mask, signal);
  for (size_t i = 0; i < kStopSignals.size(); ++i) {
    sigaction(kStopSignals[i], nullptr, &handled[i].before);
    handled[i].is_ours = handled[i].before.sa_handler != SIG_IGN &&
                         sigaction(kStopSignals[i], &action, nullptr) == 0;
  }
}

void RestoreStopHandlers() {
  for (size_t i = 0; i < kStopSignals.size(); ++i) {
    if (!handled[i].is_ours) continue;
    sigaction(kStopSignals[i], &handled[i].before, nullptr);
    handled[i].is_ours = false;
  }
}

void EndBySignal(int signal) {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(signal);
  // Process 1 of a pid namespace is not ended by signals (pid_namespaces(7)).
  _exit(128 + signal);
}

}  // namespace multiproc
