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
// for long rather than futures.
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
  //   CANCELLED            the pool was terminated.
  //   FAILED_PRECONDITION  the pool was closed before.
  //   RESOURCE_EXHAUSTED   arguments or result are over max_frame_bytes.
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

 private:
  static absl::Status NoTaskError() {
    return absl::FailedPreconditionError(
        "this Future belongs to no task: it was made without a pool, or moved "
        "from");
  }

  static Outcome Unpack(const FutureState& state) {
    if (!state.status().ok()) return state.status();
    if constexpr (std::is_void_v<T>) {
      return absl::OkStatus();
    } else {
      T value{};
      if (DecodeValues(state.result(), &value)) return value;
      return future_internal::ResultError();
    }
  }

  std::shared_ptr<FutureState> state_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_FUTURE_H_
