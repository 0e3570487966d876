#include "multiproc/executors/library_thread.h"

#ifndef _WIN32
#include <signal.h>
#endif

#include <atomic>
#include <utility>

namespace multiproc {
namespace {

std::atomic<int> live_threads{0};
thread_local bool caller_is_library_thread = false;

// Blocks every signal while it lives: a thread that is started then inherits
// the mask, and there is no moment in which it could run a handler.
class ScopedBlockAllSignals {
 public:
#ifdef _WIN32
  ScopedBlockAllSignals() {}
#else
  ScopedBlockAllSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old_mask_);
  }
  ~ScopedBlockAllSignals() {
    pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }

 private:
  sigset_t old_mask_;
#endif
};

}  // namespace

LibraryThread::LibraryThread(std::function<void()> body)
    : thread_(Start(std::move(body))) {}

void LibraryThread::Join() {
  if (thread_.joinable()) thread_.join();
}

void LibraryThread::RunDetached(std::function<void()> body) {
  Start(std::move(body)).detach();
}

std::thread LibraryThread::Start(std::function<void()> body) {
  const ScopedBlockAllSignals no_signals;
  ++live_threads;
  return std::thread([body = std::move(body)] {
    caller_is_library_thread = true;
    body();
    --live_threads;
  });
}

int LibraryThread::Count() { return live_threads; }

bool LibraryThread::CallerIsOne() { return caller_is_library_thread; }

void LibraryThread::ForgetAllInForkedChild() {
  live_threads = 0;
  caller_is_library_thread = false;
}

}  // namespace multiproc
