#include "multiproc/pool/task_submitter.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/pool/task.h"

namespace multiproc {
namespace {

// A TaskRequest beyond its arguments and the function's name: numbers, tags and
// lengths.
constexpr size_t kRequestOverhead = 64;

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
  const size_t size =
      call->name().size() + call->arguments.size() + kRequestOverhead;
  if (size > pool_options.max_frame_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the call of '", call->name(), "' takes ", size,
                     " bytes with its arguments, over the limit of ",
                     pool_options.max_frame_bytes, " (max_frame_bytes)"));
  }
  return absl::OkStatus();
}

}  // namespace

TaskSubmitter::Submitted TaskSubmitter::Submit(const TaskOptions& options,
                                               absl::StatusOr<PackedCall> call,
                                               uint32_t count, Caller caller) {
  absl::Status status = CheckTask(options_, options, call);
  bool refused = false;
  if (status.ok() && caller == Caller::kUser && close_is_due_) {
    refused = true;
    status = CloseIsDueError();
  }
  if (!status.ok()) {
    auto task = NewTask();
    FutureState::Fulfil(task, std::move(status), "");
    return {std::move(task), refused};
  }
  auto task = MakeTask(options, *std::move(call), count);
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
  absl::StatusOr<std::vector<TaskPtr>> tasks = loop_->SubmitToEach(
      [&] { return MakeTask(options, *call, /*count=*/1); });
  if (!tasks.ok()) return tasks.status();
  return std::vector<std::shared_ptr<FutureState>>(tasks->begin(),
                                                   tasks->end());
}

TaskPtr TaskSubmitter::NewTask() {
  return std::allocate_shared<Task>(TaskAllocator<Task>(task_memory_.get()),
                                    loop_);
}

TaskPtr TaskSubmitter::MakeTask(const TaskOptions& options, PackedCall call,
                                uint32_t count) {
  TaskPtr task = NewTask();
  task->SetCall(std::move(call), count);
  task->timeout = options.timeout == absl::ZeroDuration()
                      ? options_.task_timeout
                      : options.timeout;
  task->max_attempts =
      options.max_attempts == 0 ? options_.max_attempts : options.max_attempts;
  return task;
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
  } else {
    loop_->Close();
  }
}

bool TaskSubmitter::closed() const { return close_is_due_ || loop_->closed(); }

}  // namespace multiproc
