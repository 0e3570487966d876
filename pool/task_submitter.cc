#include "multiproc/pool/task_submitter.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/packed_bytes.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/exit_hook.h"
#include "multiproc/pool/late_release.h"
#include "multiproc/pool/pending_limit.h"
#include "multiproc/pool/task.h"

namespace multiproc {
namespace {

// A TaskRequest beyond its arguments and the function's name: numbers, tags and
// lengths.
constexpr size_t kRequestOverhead = 96;

constexpr int kLargestPriority = 100;

absl::Status OutOfRange(absl::string_view option, absl::string_view value,
                        absl::string_view range) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, " is ", value, "; it must be ", range));
}

absl::Status CloseIsDueError() {
  return absl::FailedPreconditionError(
      "the pool is closed, and works off what was submitted before");
}

// What the pool itself can tell of a call before it is queued.
absl::Status CheckTask(const ProcessPoolOptions& pool_options,
                       const TaskOptions& options,
                       const absl::StatusOr<PackedCall>& call) {
  if (!call.ok()) return call.status();
  if (options.timeout < absl::ZeroDuration()) {
    return OutOfRange("TaskOptions::timeout",
                      absl::FormatDuration(options.timeout),
                      "more than zero, or zero for the pool's");
  }
  if (options.max_attempts < 0) {
    return OutOfRange("TaskOptions::max_attempts",
                      absl::StrCat(options.max_attempts),
                      "1 or more, or 0 for the pool's");
  }
  if (options.soft_timeout < absl::ZeroDuration()) {
    return OutOfRange("TaskOptions::soft_timeout",
                      absl::FormatDuration(options.soft_timeout),
                      "more than zero, or zero for the pool's");
  }
  if (options.cancel_grace.value_or(absl::ZeroDuration()) <
      absl::ZeroDuration()) {
    return OutOfRange("TaskOptions::cancel_grace",
                      absl::FormatDuration(*options.cancel_grace),
                      "zero or more");
  }
  if (options.priority < -kLargestPriority ||
      options.priority > kLargestPriority) {
    return OutOfRange("TaskOptions::priority", absl::StrCat(options.priority),
                      "from -100 to 100");
  }
  const size_t size = call->name().size() + call->size() +
                      options.label.size() + kRequestOverhead;
  if (size > pool_options.max_frame_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the call of '", call->name(), "' takes ", size,
                     " bytes with its arguments, over the limit of ",
                     pool_options.max_frame_bytes, " (max_frame_bytes)"));
  }
  return absl::OkStatus();
}

// `options`, which are checked, as far as they are a task's own.
void SetOptions(const ProcessPoolOptions& pool_options,
                const TaskOptions& options, Task& task) {
  task.timeout = options.timeout == absl::ZeroDuration()
                     ? pool_options.task_timeout
                     : options.timeout;
  task.max_attempts = options.max_attempts == 0 ? pool_options.max_attempts
                                                : options.max_attempts;
  task.retry_crashes = options.retry_crashes;
  task.retry_timeouts = options.retry_timeouts;
  task.retry_errors = options.retry_errors;
  task.priority = static_cast<int8_t>(options.priority);
  const absl::Duration soft_timeout =
      options.soft_timeout == absl::ZeroDuration()
          ? pool_options.task_soft_timeout
          : options.soft_timeout;
  const bool has_soft_timeout = soft_timeout != absl::InfiniteDuration();
  if (!has_soft_timeout && !options.cancel_grace.has_value() &&
      options.label.empty()) {
    return;
  }
  Task::Rare& rare = task.rare();
  if (has_soft_timeout) rare.soft_timeout = soft_timeout;
  rare.cancel_grace = options.cancel_grace;
  rare.label = options.label;
}

}  // namespace

TaskSubmitter::Submitted TaskSubmitter::Submit(const TaskOptions& options,
                                               absl::StatusOr<PackedCall> call,
                                               uint32_t count, Caller caller) {
  absl::Status status = CheckTask(options_, options, call);
  bool refused = false;
  if (status.ok() && caller != Caller::kRun && close_is_due_) {
    refused = true;
    status = CloseIsDueError();
  } else if (status.ok() && runs_cancelled_) {
    refused = true;
    status = absl::CancelledError("the program exited");
  }
  if (!status.ok()) return {Refused(std::move(status)), refused};
  RenewExitHook();
  if (loop_->limit() != nullptr) {
    const size_t bytes = call->size();
    if (!CountIn(bytes, caller)) {
      return {SubmitToFull(*std::move(call), count), /*refused=*/false};
    }
    if (caller != Caller::kRun && close_is_due_) {
      loop_->limit()->Remove(bytes);
      return {Refused(CloseIsDueError()), /*refused=*/true};
    }
  }
  TaskPtr task = MakeTask(options, *std::move(call), count);
  loop_->Submit(task);
  // Not by its outcome, which a task that was taken may have by now, too: what
  // the loop takes it gives an id, and nobody changes that later.
  refused = task->id == 0;
  return {std::move(task), refused};
}

absl::StatusOr<std::vector<std::shared_ptr<FutureState>>>
TaskSubmitter::Broadcast(const TaskOptions& options,
                         const absl::StatusOr<PackedCall>& call) {
  absl::Status status = CheckTask(options_, options, call);
  if (status.ok() && close_is_due_) status = CloseIsDueError();
  if (!status.ok()) return status;
  RenewExitHook();
  absl::StatusOr<std::vector<TaskPtr>> tasks = loop_->SubmitToEach(
      [&] { return MakeTask(options, *call, /*count=*/1); });
  if (!tasks.ok()) return tasks.status();
  return std::vector<std::shared_ptr<FutureState>>(tasks->begin(),
                                                   tasks->end());
}

std::shared_ptr<FutureState> TaskSubmitter::SubmitTo(
    const TaskOptions& options, uint64_t worker_id,
    absl::StatusOr<PackedCall> call) {
  absl::Status status = CheckTask(options_, options, call);
  if (status.ok() && close_is_due_) status = CloseIsDueError();
  if (!status.ok()) return Refused(std::move(status));
  RenewExitHook();
  PendingLimit* const limit = loop_->limit();
  const size_t bytes = call->size();
  if (limit != nullptr && !CountIn(bytes, Caller::kUser)) {
    return Refused(QueueIsFullError());
  }
  TaskPtr task = MakeTask(options, *std::move(call), /*count=*/1);
  status = loop_->SubmitTo(worker_id, task);
  if (status.ok()) return task;
  if (limit != nullptr) limit->Remove(bytes);
  return Refused(std::move(status));
}

absl::Status TaskSubmitter::QueueIsFullError() const {
  return absl::ResourceExhaustedError(absl::StrCat(
      "the queue is full: max_pending is ", options_.max_pending,
      ", max_pending_bytes ", options_.max_pending_bytes, " (0 for any)"));
}

// The pool may belong to a static variable, which is made by now.
void TaskSubmitter::RenewExitHook() {
  if (exit_hook_is_due_.load(std::memory_order_relaxed) &&
      exit_hook_is_due_.exchange(false)) {
    ExitHook::Renew();
  }
}

TaskPtr TaskSubmitter::NewTask() {
  return std::allocate_shared<Task>(TaskAllocator<Task>(task_memory_.get()),
                                    loop_);
}

TaskPtr TaskSubmitter::MakeTask(const TaskOptions& options, PackedCall call,
                                uint32_t count) {
  TaskPtr task = NewTask();
  if (!call.great_arguments.empty()) {
    call.great_arguments =
        ReleaseAsCallback(std::move(call.great_arguments), loop_);
  }
  task->SetCall(std::move(call), count);
  SetOptions(options_, options, *task);
  task->set_submit_time_ns(MonotonicNanoseconds());
  return task;
}

std::shared_ptr<FutureState> TaskSubmitter::Refused(absl::Status status) {
  loop_->CountRefused();
  return Fulfilled(std::move(status));
}

std::shared_ptr<FutureState> TaskSubmitter::Fulfilled(absl::Status status,
                                                      std::string result) {
  TaskPtr task = NewTask();
  FutureState::Fulfil(task, std::move(status), std::move(result));
  return task;
}

bool TaskSubmitter::CountIn(size_t bytes, Caller caller) {
  PendingLimit& limit = *loop_->limit();
  if (caller != Caller::kUser) {
    limit.Add(bytes);
    return true;
  }
  // A callback would wait for tasks whose callbacks wait for it.
  if (options_.when_full != WhenFull::kBlock || loop_->CallerRunsCallbacks()) {
    return limit.TryAdd(bytes);
  }
  limit.AddWhenRoom(bytes);
  return true;
}

std::shared_ptr<FutureState> TaskSubmitter::SubmitToFull(PackedCall call,
                                                         uint32_t count) {
  if (options_.when_full != WhenFull::kCallerRuns) {
    return Refused(QueueIsFullError());
  }
  loop_->CountRunByCaller();
  const FunctionCall plain = ToProto(std::move(call));
  std::string result;
  bool own_error = false;
  absl::Status status = RunCall(plain, count, PackedBytes(plain.arguments()),
                                &result, &own_error);
  if (own_error) MarkTaskError(&status);
  if (!status.ok()) result.clear();
  return Fulfilled(std::move(status), std::move(result));
}

bool TaskSubmitter::BeginRun() {
  absl::MutexLock lock(&mutex_);
  if (close_is_due_ || loop_->closed()) return false;
  ++num_runs_;
  return true;
}

void TaskSubmitter::EndRun() {
  absl::MutexLock lock(&mutex_);
  if (--num_runs_ > 0 || !close_is_due_) return;
  loop_->Close();
  close_is_due_ = false;
}

void TaskSubmitter::Close() {
  absl::MutexLock lock(&mutex_);
  if (num_runs_ > 0) {
    close_is_due_ = true;
    if (loop_->limit() != nullptr) loop_->limit()->Open();
  } else {
    loop_->Close();
  }
}

bool TaskSubmitter::closed() const { return close_is_due_ || loop_->closed(); }

}  // namespace multiproc
