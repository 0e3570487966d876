// What the copies of a Future share with the pool: the packed outcome of one
// task. Thread-safe.

#ifndef MULTIPROC_POOL_FUTURE_STATE_H_
#define MULTIPROC_POOL_FUTURE_STATE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/pool/callback_thread.h"

namespace multiproc {

class FutureState : public std::enable_shared_from_this<FutureState> {
 public:
  using Callback = std::function<void(const FutureState&)>;

  // `callbacks` runs what OnDone gets.
  explicit FutureState(std::shared_ptr<CallbackThread> callbacks)
      : callbacks_(std::move(callbacks)) {}

  // Sets the outcome, once.
  void Fulfil(absl::Status status, std::string result);

  // Waits for the outcome, up to `timeout`; whether it is there.
  bool Wait(absl::Duration timeout);

  void OnDone(Callback callback);

  // The outcome, after Wait has returned true or within a Callback.
  const absl::Status& status() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return status_;
  }
  const std::string& result() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return result_;
  }

 private:
  void Post(Callback callback);

  const std::shared_ptr<CallbackThread> callbacks_;
  absl::Mutex mutex_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::string result_ ABSL_GUARDED_BY(mutex_);
  std::vector<Callback> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_FUTURE_STATE_H_
