// What the copies of a Future share with the pool: the packed outcome of one
// task.

#ifndef MULTIPROC_POOL_FUTURE_STATE_H_
#define MULTIPROC_POOL_FUTURE_STATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/functions/packed_bytes.h"

namespace multiproc {

class FutureState;

// What a future needs of whoever will fulfil it. Thread-safe.
class FutureOwner {
 public:
  virtual ~FutureOwner() = default;

  // Runs a callback of OnDone.
  virtual void Post(std::function<void()> callback) = 0;

  // The caller waits for `state`: an owner that can fetch its outcome on the
  // caller's thread does so, and saves a switch of threads. Returns when it is
  // there, `deadline` (MonotonicNow) has passed, or the caller had better just
  // wait.
  virtual void Help(FutureState& state, absl::Time deadline) {
    (void)state;
    (void)deadline;
  }

  // The caller wants the outcome some time, and does not wait for it.
  virtual void Attend() {}

  // The caller does not want the outcome of `state` any more; see
  // Future::Cancel for what is returned.
  virtual bool Cancel(const std::shared_ptr<FutureState>& state) {
    (void)state;
    return false;
  }

  // Somebody listens to the progress of `state` from now on.
  virtual void Listen(FutureState& state) { (void)state; }
};

// Thread-safe. A million of them may be queued: each is to be small, and what
// few of them need is in Extra.
class FutureState {
 public:
  using Callback = std::function<void(const FutureState&)>;

  // Who is told of the outcome on the thread that brings it, which may be the
  // one that serves the workers: it must not do more than take note.
  class Watcher {
   public:
    virtual void Done(size_t tag) = 0;

   protected:
    ~Watcher() = default;
  };

  explicit FutureState(std::shared_ptr<FutureOwner> owner)
      : owner_(std::move(owner)) {}

  // Sets the outcome, once, and tells those who wait.
  static void Fulfil(const std::shared_ptr<FutureState>& self,
                     absl::Status status, std::string result);

  // Fulfil in steps, so that many outcomes are there before the first who waits
  // is woken. Set returns whether the other two are to be called.
  bool Set(absl::Status status, std::string result);
  bool SetGreat(PackedBytes result);
  static void PostCallbacks(const std::shared_ptr<FutureState>& self);
  void WakeWaiters();

  // Waits for the outcome, up to `timeout`; whether it is there.
  bool Wait(absl::Duration timeout);
  bool done() const { return done_.load(std::memory_order_acquire); }

  // Posts `callback` once the outcome is there.
  static void OnDone(const std::shared_ptr<FutureState>& self,
                     Callback callback);

  // Of Future::Cancel.
  static bool Cancel(const std::shared_ptr<FutureState>& self);

  // Posts `listener` with each message that the task sends from now on; before
  // the outcome only.
  using Listener = std::function<void(const std::string& message)>;
  static void OnProgress(const std::shared_ptr<FutureState>& self,
                         Listener listener);
  // Posts it to those who listen.
  void PostProgress(const std::string& message);

  // Calls watcher->Done(tag) once the outcome is there; false, without that, if
  // it is there already. `watcher` must live until then, or until Unwatch has
  // returned, which may be called in any case.
  bool Watch(Watcher* watcher, size_t tag);
  void Unwatch(Watcher* watcher);

  const std::shared_ptr<FutureOwner>& owner() const { return owner_; }

  // The outcome, once done().
  const absl::Status& status() const { return status_; }
  absl::string_view result() const {
    return extra_ != nullptr && extra_->great_owner != nullptr
               ? extra_->great
               : absl::string_view(bytes_);
  }
  // What keeps a great result where it is, also without this; null of others.
  std::shared_ptr<const void> result_owner() const {
    return extra_ != nullptr ? extra_->great_owner : nullptr;
  }
  // How long the task ran in its worker, once done(); zero if unknown.
  absl::Duration run_time() const { return absl::Nanoseconds(run_time_ns_); }

 protected:
  // What few have.
  struct Extra {
    std::vector<Callback> waiting;
    std::vector<std::pair<Watcher*, size_t>> watchers;
    std::vector<Listener> listeners;
    // Before the outcome: arguments that are sent as an attachment.
    absl::Cord attachment;
    // A result that came as one, and whose memory that is.
    absl::string_view great;
    std::shared_ptr<const void> great_owner;
  };
  bool has_extra() const { return extra_ != nullptr; }
  Extra& extra() {
    if (extra_ == nullptr) extra_ = std::make_unique<Extra>();
    return *extra_;
  }

  // Before the outcome: of who makes it. After: the result, and the run time.
  std::string bytes_;
  int64_t run_time_ns_ = 0;

 private:
  bool Finish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<FutureOwner> owner_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  // Written with mutex_ held, read by anyone once done_.
  std::atomic<bool> done_{false};
  int32_t num_waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_;
  std::unique_ptr<Extra> extra_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_FUTURE_STATE_H_
