#include <signal.h>

#include <atomic>

#include "multiproc/pool/worker_signals.h"

namespace multiproc {
namespace {

// A handler may use nothing else (signal-safety(7)).
std::atomic<int> running{0};
std::atomic<bool> was_terminated{false};
static_assert(std::atomic<int>::is_always_lock_free &&
              std::atomic<bool>::is_always_lock_free);

// The signal is at its default from here on (SA_RESETHAND), and blocked until
// this returns.
void OnTerminate(int signal) {
  was_terminated = true;
  if (running == 0) raise(signal);
}

void OnHangup(int) {}

void HandleUnlessIgnored(int signal, void (*handler)(int), int flags) {
  struct sigaction before = {};
  sigaction(signal, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | flags;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

// A fork of a worker that runs a task has its numbers.
void WorkerSignals::Handle() {
  running = 0;
  was_terminated = false;
  signal(SIGINT, SIG_IGN);
  HandleUnlessIgnored(SIGTERM, OnTerminate, static_cast<int>(SA_RESETHAND));
  HandleUnlessIgnored(SIGHUP, OnHangup, 0);
}

void WorkerSignals::BeginTask() { ++running; }

void WorkerSignals::EndTask() {
  if (--running == 0 && was_terminated) raise(SIGTERM);
}

bool WorkerSignals::WasTerminated() { return was_terminated; }

}  // namespace multiproc
