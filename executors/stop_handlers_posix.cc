#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>

#include "multiproc/executors/stop_handlers.h"

namespace multiproc {
namespace {

constexpr std::array<int, 3> kStopSignals = {SIGINT, SIGTERM, SIGHUP};

struct Handled {
  bool is_ours = false;
  struct sigaction before = {};
};

std::array<Handled, kStopSignals.size()> handled;

// A handler may use nothing else (signal-safety(7)).
std::atomic<int> wake_fd{-1};
std::atomic<bool> stopping{false};
static_assert(std::atomic<int>::is_always_lock_free &&
              std::atomic<bool>::is_always_lock_free);

void SetDefault(int signal) {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
}

void OnStopSignal(int signal) {
  const int saved_errno = errno;
  if (!stopping.exchange(true)) {
    const unsigned char byte = static_cast<unsigned char>(signal);
    // One byte finds room: nothing else is ever in that pipe.
    if (write(wake_fd.load(), &byte, 1) != 1) SetDefault(signal);
  } else if (signal == SIGINT) {
    // It is blocked until this returns, and ends the program then.
    SetDefault(SIGINT);
    raise(SIGINT);
  }
  errno = saved_errno;
}

}  // namespace

void InstallStopHandlers(FileHandle wake) {
  wake_fd = wake;
  stopping = false;
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
  SetDefault(signal);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(signal);
  // Another thread has made it be ignored meanwhile.
  _exit(128 + signal);
}

}  // namespace multiproc
