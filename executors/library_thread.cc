#include "multiproc/executors/library_thread.h"

#ifndef _WIN32
#include <signal.h>
#endif

#include <atomic>
#include <system_error>
#include <utility>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"

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

void RunBody(const std::function<void()>& body) {
  caller_is_library_thread = true;
  body();
  --live_threads;
}

// std::thread throws where the system has no thread to give.
absl::StatusOr<std::thread> StartThread(std::function<void()> body) {
  const ScopedBlockAllSignals no_signals;
  ++live_threads;
#ifdef ABSL_HAVE_EXCEPTIONS
  try {
    return std::thread(RunBody, std::move(body));
  } catch (const std::system_error& error) {
    --live_threads;
    return absl::ResourceExhaustedError(
        absl::StrCat("a thread can't be started: ", error.what()));
  }
#else
  return std::thread(RunBody, std::move(body));
#endif
}

}  // namespace

absl::StatusOr<std::unique_ptr<LibraryThread>> LibraryThread::Start(
    std::function<void()> body) {
  absl::StatusOr<std::thread> thread = StartThread(std::move(body));
  if (!thread.ok()) return thread.status();
  return std::unique_ptr<LibraryThread>(new LibraryThread(*std::move(thread)));
}

absl::Status LibraryThread::StartDetached(std::function<void()> body) {
  absl::StatusOr<std::thread> thread = StartThread(std::move(body));
  if (thread.ok()) thread->detach();
  return thread.status();
}

void LibraryThread::Join() {
  if (thread_.joinable()) thread_.join();
}

int LibraryThread::Count() { return live_threads; }

bool LibraryThread::CallerIsOne() { return caller_is_library_thread; }

void LibraryThread::ForgetAllInForkedChild() {
  live_threads = 0;
  caller_is_library_thread = false;
}

}  // namespace multiproc
