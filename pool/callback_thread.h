// Runs callbacks in order on a thread of its own, which is started by the first
// of them.
//
//   auto callbacks = std::make_shared<CallbackThread>();
//   callbacks->Post([] { ... });
//   callbacks->Shutdown();              // after those posted so far
//
// Thread-safe.

#ifndef MULTIPROC_POOL_CALLBACK_THREAD_H_
#define MULTIPROC_POOL_CALLBACK_THREAD_H_

#include <deque>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/executors/library_thread.h"
#include "multiproc/pool/future_state.h"

namespace multiproc {

class CallbackThread : public FutureOwner {
 public:
  using Callback = std::function<void()>;

  CallbackThread() = default;
  ~CallbackThread() override { Shutdown(); }

  // Starts the thread, if it is not there: for whoever needs callbacks to run
  // before Shutdown in any case. RESOURCE_EXHAUSTED if none can be had.
  absl::Status Start();

  // Runs `callback` on the thread, after all that were posted before; once
  // Shutdown has returned, at once on the caller's. If no thread can be had,
  // what was posted waits for the next Post, or for Shutdown.
  void Post(Callback callback) override;

  // Waits until what was posted has run, and ends the thread; any number of
  // times. Within a callback, which must be one that ends the program, it does
  // not wait.
  void Shutdown();

  // The same, up to `timeout`; whether the end was reached.
  bool ShutdownWithTimeout(absl::Duration timeout);

  // Whether the caller is one of its callbacks.
  bool IsCurrent() const;

 private:
  void Abandon();
  absl::Status StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run();
  // Waits for a callback; false once there will be none.
  bool Take(Callback* next);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return shutdown_ || !queue_.empty();
  }

  absl::Mutex mutex_;
  std::deque<Callback> queue_ ABSL_GUARDED_BY(mutex_);
  bool shutdown_ ABSL_GUARDED_BY(mutex_) = false;
  // After shutdown_: whether the last callback has returned.
  bool drained_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<LibraryThread> thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_CALLBACK_THREAD_H_
