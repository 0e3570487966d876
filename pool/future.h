// The result of a task that was submitted to a pool: there now, or later.
//
//   Future<double> future = pool->Submit(RunTask, 4);
//   future.OnDone([](const absl::StatusOr<double>& cost) { ... });
//   absl::StatusOr<double> cost = future.Get();          // waits
//
// Every task has exactly one outcome, and so every future of a pool becomes
// ready: also if the worker dies, the pool fails, or is destroyed. Copies share
// the outcome. A future may outlive its pool.
//
// The futures of a pool share its memory for tasks, some 200 bytes for each. Of
// what a burst of them took, all but 4 MiB is released once none is left, of
// any task of the pool; until then it is there for other tasks. So keep results
// for long rather than futures. (A great absl::Cord among them has the memory
// in which all of the result came.)
//
// Thread-safe.

#ifndef MULTIPROC_POOL_FUTURE_H_
#define MULTIPROC_POOL_FUTURE_H_

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/functions/codec.h"
#include "multiproc/pool/derived_state.h"
#include "multiproc/pool/future_state.h"

namespace multiproc {

namespace future_internal {

inline absl::Status ResultError() {
  return absl::DataLossError(
      "the result can't be unpacked: a Codec's Decode must read what its "
      "Encode wrote");
}

}  // namespace future_internal

// `T` is the function's result type; void for functions that return void or
// absl::Status.
template <typename T>
class Future {
 public:
  // What Get returns.
  using Outcome =
      std::conditional_t<std::is_void_v<T>, absl::Status, absl::StatusOr<T>>;

  // A future of no task: it is ready, with FAILED_PRECONDITION.
  Future() = default;
  // For the pool.
  explicit Future(std::shared_ptr<FutureState> state)
      : state_(std::move(state)) {}

  // For those who wait for several: never null.
  std::shared_ptr<FutureState> state() const {
    if (state_ != nullptr) return state_;
    std::shared_ptr<FutureState> failed = MakeDerivedState(nullptr);
    FutureState::Fulfil(failed, NoTaskError(), "");
    return failed;
  }

  // Waits for the outcome and returns it; any number of times. The task's own
  // error, as it is, with a payload that IsTaskError (functions/task_status.h)
  // finds; or why the pool has no result:
  //   UNAVAILABLE          its worker died, or the pool failed.
  //   DEADLINE_EXCEEDED    it overran TaskOptions::timeout.
  //   CANCELLED            Cancel, CancelPending or Terminate was called.
  //   FAILED_PRECONDITION  the pool was closed before.
  //   RESOURCE_EXHAUSTED   arguments or result are over max_frame_bytes, or
  //                        the queue is full (ProcessPoolOptions::when_full).
  //   DATA_LOSS            its worker wrote garbage.
  //   NOT_FOUND, INVALID_ARGUMENT  the function is unknown, or its arguments
  //                        can't be packed (functions/function.h).
  Outcome Get() const {
    if (state_ == nullptr) return NoTaskError();
    state_->Wait(absl::InfiniteDuration());
    return Unpack(*state_);
  }

  // Waits until Get would not, and no longer than `timeout` from now. Returns
  // whether it is ready.
  bool WaitWithTimeout(absl::Duration timeout) const {
    return state_ == nullptr || state_->Wait(timeout);
  }
  void Wait() const { WaitWithTimeout(absl::InfiniteDuration()); }
  bool Ready() const { return WaitWithTimeout(absl::ZeroDuration()); }

  // Calls `callback` with the outcome, once it is there: on the pool's callback
  // thread, in the order in which tasks end, and never on the thread that
  // serves the workers; on the caller's if the pool is gone. The callback may
  // submit tasks; one that waits for other tasks' callbacks, or destroys the
  // pool, waits for itself.
  void OnDone(std::function<void(const Outcome&)> callback) const {
    if (state_ == nullptr) return callback(NoTaskError());
    FutureState::OnDone(
        state_, [callback = std::move(callback)](const FutureState& state) {
          callback(Unpack(state));
        });
  }

  // The same, where the caller says: `run` is called on the thread above with
  // what is to be run, and passes it on, to an executor of the program's, say.
  using Runner = std::function<void(std::function<void()>)>;
  void OnDone(std::function<void(const Outcome&)> callback, Runner run) const {
    if (state_ == nullptr) {
      return run([callback = std::move(callback)] { callback(NoTaskError()); });
    }
    FutureState::OnDone(state_, [state = state_, callback = std::move(callback),
                                 run = std::move(run)](const FutureState&) {
      run([state, callback] { callback(Unpack(*state)); });
    });
  }

  // OnDone for one of the two ends: `callback` gets the value, if T has any, or
  // the status, which is not OK. With `run` as OnDone, which is called for that
  // end alone.
  template <typename F>
  void OnSuccess(F callback) const {
    OnDone([callback = std::move(callback)](const Outcome& outcome) {
      if (outcome.ok()) CallWithValue(callback, outcome);
    });
  }
  template <typename F>
  void OnSuccess(F callback, Runner run) const {
    OnDone([future = *this, callback = std::move(callback),
            run = std::move(run)](const Outcome& outcome) {
      if (!outcome.ok()) return;
      run([future, callback] { CallWithValue(callback, future.Get()); });
    });
  }
  void OnError(std::function<void(const absl::Status&)> callback) const {
    OnDone([callback = std::move(callback)](const Outcome& outcome) {
      if (!outcome.ok()) callback(StatusOf(outcome));
    });
  }
  void OnError(std::function<void(const absl::Status&)> callback,
               Runner run) const {
    OnError([callback = std::move(callback),
             run = std::move(run)](const absl::Status& status) {
      run([callback, status] { callback(status); });
    });
  }

  // Calls `callback`, on the pool's callback thread, with each message that the
  // task sends by CurrentTask::ReportProgress from now on, in order, and before
  // the callbacks of OnDone. A task that is tried again begins anew. Messages
  // wait in memory until the callback has had them.
  void OnProgress(std::function<void(absl::string_view)> callback) const {
    if (state_ == nullptr) return;
    FutureState::OnProgress(state_, std::move(callback));
  }
  // The same for messages of type M, which has a Codec. What is none is
  // skipped.
  template <typename M>
  void OnProgress(std::function<void(const M&)> callback) const {
    OnProgress([callback = std::move(callback)](absl::string_view bytes) {
      M message{};
      if (DecodeValues(bytes, &message)) callback(message);
    });
  }
  // And of both where the caller says, as OnDone: `run` is called in order.
  void OnProgress(std::function<void(absl::string_view)> callback,
                  Runner run) const {
    OnProgress([callback = std::move(callback),
                run = std::move(run)](absl::string_view bytes) {
      run([callback, message = std::string(bytes)] { callback(message); });
    });
  }
  template <typename M>
  void OnProgress(std::function<void(const M&)> callback, Runner run) const {
    OnProgress<M>([callback = std::move(callback),
                   run = std::move(run)](const M& message) {
      run([callback, message] { callback(message); });
    });
  }

  // Ends the task, for nobody wants its outcome any more. Returns true if it
  // ends with CANCELLED, or was told to end; false if it has its outcome
  // already, or is that of a combinator, which can't be cancelled. It does not
  // wait.
  //
  // A task that no worker has begun has the outcome CANCELLED when this
  // returns, and never runs. (Of a worker that is dying: once that is gone.)
  //
  // A task that runs is told (CurrentTask::cancelled). If it then returns a
  // value, that is its outcome; an error becomes CANCELLED, with the error in
  // its message. If it has not ended after cancel_grace (TaskOptions,
  // ProcessPoolOptions), its worker is killed and replaced: CANCELLED. A
  // second call changes nothing. It is not tried again.
  //
  // Of MapAsync: no more items are sent, and the tasks of those that were are
  // cancelled, each as above. The outcome is there when all have ended:
  // CANCELLED, unless an item before had an error, or all had their values.
  bool Cancel() const {
    return state_ != nullptr && FutureState::Cancel(state_);
  }

 private:
  static absl::Status NoTaskError() {
    return absl::FailedPreconditionError(
        "this Future belongs to no task: it was made without a pool, or moved "
        "from");
  }

  static absl::Status StatusOf(const Outcome& outcome) {
    if constexpr (std::is_void_v<T>) {
      return outcome;
    } else {
      return outcome.status();
    }
  }

  // Of an outcome that is OK.
  template <typename F>
  static void CallWithValue(const F& callback, const Outcome& outcome) {
    if constexpr (std::is_void_v<T>) {
      callback();
    } else {
      callback(*outcome);
    }
  }

  static Outcome Unpack(const FutureState& state) {
    if (!state.status().ok()) return state.status();
    if constexpr (std::is_void_v<T>) {
      return absl::OkStatus();
    } else {
      T value{};
      Decoder decoder(state.result(), state.result_owner());
      if (decoder.Get(&value) && decoder.remaining() == 0) return value;
      return future_internal::ResultError();
    }
  }

  std::shared_ptr<FutureState> state_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_FUTURE_H_
