// A task between Submit and its outcome, as the pool keeps it: one piece of
// memory with the state of its Future. Not thread-safe, beyond what FutureState
// is: it belongs to the caller of Submit first, and to the pool's lock then.

#ifndef MULTIPROC_POOL_TASK_H_
#define MULTIPROC_POOL_TASK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/frame_format.h"
#include "multiproc/pool/future_state.h"

namespace multiproc {

class WorkerProcess;

class Task : public FutureState {
 public:
  explicit Task(std::shared_ptr<FutureOwner> owner)
      : FutureState(std::move(owner)) {}

  // What is to be run: `count` calls, whose arguments stand in a row. They are
  // kept until the outcome is there, for another attempt.
  void SetCall(PackedCall call, uint32_t count) {
    function_ = call.function;
    count_ = count;
    has_attachment_ =
        call.size() >= kAttachmentBytes || !call.great_arguments.empty();
    if (!has_attachment_) {
      bytes_ = std::move(call.arguments);
    } else if (call.great_arguments.empty()) {
      extra().attachment = CordOfPacked(std::move(call.arguments));
    } else {
      extra().attachment = std::move(call.great_arguments);
    }
  }
  const std::string& function() const { return function_->name; }
  uint32_t signature() const { return function_->signature; }
  uint32_t count() const { return count_; }
  // The arguments are one of the two.
  const std::string& arguments() const { return bytes_; }
  bool has_attachment() const { return has_attachment_; }
  // If it has one: not to be asked otherwise, as OnDone may be making an Extra.
  const absl::Cord& attachment() { return extra().attachment; }

  // When it was submitted, in MonotonicNanoseconds, until its run time is known
  // for good, which takes its place.
  void set_submit_time_ns(int64_t time_ns) { run_time_ns_ = time_ns; }
  int64_t submit_time_ns() const { return run_time_ns_; }
  void set_run_time_ns(int64_t run_time_ns) { run_time_ns_ = run_time_ns; }

  // How many bytes its arguments take, before the outcome.
  size_t argument_bytes() {
    return has_attachment_ ? extra().attachment.size() : arguments().size();
  }

  // What few tasks have, and is not to make all of them greater.
  struct Rare {
    std::string label;
    // None if zero.
    absl::Duration soft_timeout;
    // The pool's if there is none.
    std::optional<absl::Duration> cancel_grace;
    // When its worker is killed, once it was told to end (MonotonicNow).
    absl::Time kill_at = absl::InfiniteFuture();
  };
  bool has_rare() const { return rare_ != nullptr; }
  Rare& rare() {
    if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
    return *rare_;
  }
  absl::string_view label() const {
    return rare_ == nullptr ? absl::string_view() : rare_->label;
  }
  absl::Time kill_at() const {
    return rare_ == nullptr ? absl::InfiniteFuture() : rare_->kill_at;
  }

  // In the order of their sizes: none is lost between them.
  uint64_t id = 0;
  // To whom it is leased, or null.
  WorkerProcess* worker = nullptr;
  // Longest run, from its start in a worker.
  absl::Duration timeout = absl::InfiniteDuration();
  int32_t max_attempts = 1;
  // From 1; one more each time that a worker died with it.
  int32_t attempt = 1;
  // Of TaskOptions.
  int8_t priority = 0;
  bool retry_crashes = true;
  bool retry_timeouts = false;
  bool retry_errors = false;
  // Whether Future::Cancel was called, and somebody listens to its progress.
  bool cancelled = false;
  bool wants_progress = false;
  // Whether it is for the worker that it was leased to first, and no other.
  bool pinned = false;

 private:
  bool has_attachment_ = false;
  uint32_t count_ = 1;
  const function_internal::Registration* function_ = nullptr;
  std::unique_ptr<Rare> rare_;
};

// Of a million queued tasks.
static_assert(sizeof(void*) != 8 || sizeof(Task) <= 168,
              "what few tasks need belongs to Task::Rare");

using TaskPtr = std::shared_ptr<Task>;

}  // namespace multiproc

#endif  // MULTIPROC_POOL_TASK_H_
