// Calls a function again and again, on a thread of its own.
//
//   Ticker ticker(absl::Milliseconds(100), [this] { Update(); });
//
// Thread-safe; not to be destroyed by the function.

#ifndef MULTIPROC_WATCH_TICKER_H_
#define MULTIPROC_WATCH_TICKER_H_

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/executors/library_thread.h"

namespace multiproc {

class Ticker {
 public:
  // Calls `tick` each time that `interval` has passed since the last call has
  // returned, until the destructor, which waits for a call that goes on. Never
  // if `interval` is InfiniteDuration, or no thread can be had.
  Ticker(absl::Duration interval, std::function<void()> tick);
  ~Ticker();

  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  void Run();

  const absl::Duration interval_;
  const std::function<void()> tick_;
  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<LibraryThread> thread_;
};

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_TICKER_H_
