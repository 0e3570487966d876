#include "multiproc/executors/library_thread.h"

#include <atomic>
#include <system_error>
#include <utility>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"

#ifndef _WIN32
#include "multiproc/executors/signal_block.h"
#endif

namespace multiproc {
namespace {

std::atomic<int> live_threads{0};
thread_local bool caller_is_library_thread = false;

void RunBody(const std::function<void()>& body) {
  caller_is_library_thread = true;
  body();
  --live_threads;
}

// std::thread throws where the system has no thread to give.
absl::StatusOr<std::thread> StartThread(std::function<void()> body) {
#ifndef _WIN32
  const ScopedSignalBlock inherited_by_the_thread;
#endif
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
