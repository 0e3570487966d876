#ifdef _WIN32
#error "Windows builds worker_signals_win.cc"
#endif

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "multiproc/executors/stop_handlers.h"
#include "multiproc/pool/worker_signals.h"

namespace multiproc {
namespace {

// Instead of a number of tasks: none is begun any more.
constexpr int kEnding = -1;

// A handler may use nothing else (signal-safety(7)).
std::atomic<pid_t> worker_pid{0};
std::atomic<int> running{0};
std::atomic<bool> was_terminated{false};
static_assert(std::atomic<pid_t>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free &&
              std::atomic<bool>::is_always_lock_free);

// On any thread; of this and BeginTask one comes first.
void OnTerminate(int signal) {
  // A task may have forked the process.
  if (getpid() != worker_pid) EndBySignal(signal);
  was_terminated = true;
  int none = 0;
  if (running.compare_exchange_strong(none, kEnding)) EndBySignal(signal);
}

void OnHangup(int signal) {
  if (getpid() != worker_pid) EndBySignal(signal);
}

void HandleUnlessIgnored(int signal, void (*handler)(int)) {
  struct sigaction before = {};
  sigaction(signal, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

// A fork of a worker that runs a task has its numbers.
void WorkerSignals::Handle() {
  worker_pid = getpid();
  running = 0;
  was_terminated = false;
  signal(SIGINT, SIG_IGN);
  HandleUnlessIgnored(SIGTERM, OnTerminate);
  HandleUnlessIgnored(SIGHUP, OnHangup);
}

void WorkerSignals::BeginTask() {
  int before = running;
  do {
    while (before == kEnding) {
      pause();
      before = running;
    }
  } while (!running.compare_exchange_weak(before, before + 1));
}

void WorkerSignals::EndTask() {
  if (--running == 0 && was_terminated) raise(SIGTERM);
}

bool WorkerSignals::WasTerminated() { return was_terminated; }

}  // namespace multiproc
