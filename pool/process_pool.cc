#include "multiproc/pool/process_pool.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/cpu_count.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/kept_by_process.h"
#include "multiproc/pool/nesting.h"
#include "multiproc/pool/pools_at_exit.h"
#include "multiproc/pool/resident_memory.h"

namespace multiproc {
namespace {

constexpr int kLargestNumWorkers = 10'000;
constexpr int kLargestLeasedTasks = 65'536;
// An error must fit into a frame.
constexpr size_t kSmallestMaxFrameBytes = 1024;

absl::Status OutOfRange(absl::string_view option, absl::string_view value,
                        absl::string_view range) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, " is ", value, "; it must be ", range));
}

// What is of account for the life of workers.
absl::Status CheckWorkerLife(const ProcessPoolOptions& options) {
  if (options.min_workers < -1 || options.min_workers > options.num_workers) {
    return OutOfRange("min_workers", absl::StrCat(options.min_workers),
                      "from 0 to num_workers, or -1 for num_workers");
  }
  if (options.max_tasks_per_worker < 0) {
    return OutOfRange("max_tasks_per_worker",
                      absl::StrCat(options.max_tasks_per_worker),
                      "1 or more, or 0 for no limit");
  }
  if (options.max_tasks_jitter < 0 ||
      options.max_tasks_jitter >
          std::max(options.max_tasks_per_worker - 1, 0)) {
    return OutOfRange("max_tasks_jitter",
                      absl::StrCat(options.max_tasks_jitter),
                      "0 or more, and less than max_tasks_per_worker");
  }
  if (options.spare_workers < 0 || options.spare_workers > kLargestNumWorkers) {
    return OutOfRange("spare_workers", absl::StrCat(options.spare_workers),
                      "from 0 to 10,000");
  }
  if ((options.max_worker_memory_bytes > 0 ||
       options.kill_worker_memory_bytes > 0) &&
      !ResidentBytes().has_value()) {
    return absl::UnimplementedError(
        "max_worker_memory_bytes, kill_worker_memory_bytes: this system does "
        "not tell how much memory a process has");
  }
  return absl::OkStatus();
}

absl::Status CheckDepth(const ProcessPoolOptions& options) {
  if (options.max_pool_depth < 1) {
    return OutOfRange("max_pool_depth", absl::StrCat(options.max_pool_depth),
                      "1 or more");
  }
  if (PoolDepth() < options.max_pool_depth) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "pools are nested ", PoolDepth(), " deep here already, and may be ",
      options.max_pool_depth, " (max_pool_depth)"));
}

absl::Status CheckCounts(const ProcessPoolOptions& options) {
  if (options.num_workers < 0 || options.num_workers > kLargestNumWorkers) {
    return OutOfRange("num_workers", absl::StrCat(options.num_workers),
                      "from 1 to 10,000, or 0 for the number of CPUs");
  }
  if (options.max_frame_bytes < kSmallestMaxFrameBytes ||
      options.max_frame_bytes > kLargestMaxFrameBytes) {
    return OutOfRange("max_frame_bytes", absl::StrCat(options.max_frame_bytes),
                      "from 1 KiB to 2 GiB less one byte");
  }
  if (options.max_attempts < 1) {
    return OutOfRange("max_attempts", absl::StrCat(options.max_attempts),
                      "1 or more");
  }
  if (options.max_leased_tasks < 0 ||
      options.max_leased_tasks > kLargestLeasedTasks) {
    return OutOfRange("max_leased_tasks",
                      absl::StrCat(options.max_leased_tasks),
                      "from 1 to 65,536, or 0 for as many as pay");
  }
  return absl::OkStatus();
}

absl::Status CheckPositive(absl::string_view option, absl::Duration value) {
  if (value > absl::ZeroDuration()) return absl::OkStatus();
  return OutOfRange(option, absl::FormatDuration(value), "more than zero");
}

absl::Status CheckNotNegative(absl::string_view option, absl::Duration value) {
  if (value >= absl::ZeroDuration()) return absl::OkStatus();
  return OutOfRange(option, absl::FormatDuration(value), "zero or more");
}

absl::Status CheckOptions(const ProcessPoolOptions& options) {
  absl::Status status = CheckCounts(options);
  status.Update(CheckNotNegative("cancel_grace", options.cancel_grace));
  status.Update(CheckNotNegative("spin_time", options.spin_time));
  status.Update(CheckPositive("task_timeout", options.task_timeout));
  status.Update(CheckPositive("task_soft_timeout", options.task_soft_timeout));
  status.Update(
      CheckPositive("worker_start_timeout", options.worker_start_timeout));
  status.Update(CheckPositive("frame_timeout", options.frame_timeout));
  status.Update(
      CheckPositive("worker_exit_timeout", options.worker_exit_timeout));
  status.Update(CheckPositive("idle_timeout", options.idle_timeout));
  status.Update(CheckPositive("max_worker_age", options.max_worker_age));
  status.Update(CheckNotNegative("exit_timeout", options.exit_timeout));
  status.Update(options.initializer.status());
  status.Update(options.finalizer.status());
  status.Update(CheckDepth(options));
  return status;
}

// Of a path: the folder that is the current one now, and not when some worker
// is replaced.
std::string WithFolder(const std::string& program) {
  const std::filesystem::path path = std::filesystem::u8path(program);
  std::error_code error;
  if (!path.has_parent_path()) return program;
  // Of another type from C++20 on.
  const auto absolute = std::filesystem::absolute(path, error).u8string();
  return error ? program : std::string(absolute.begin(), absolute.end());
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProcessPool>> ProcessPool::Create(
    const ProcessPoolOptions& options) {
  ProcessPoolOptions complete = options;
  absl::Status status = CheckOptions(complete);
  // Not needed for other programs, which call it themselves.
  if (status.ok() && options.worker_program.empty()) {
    status = CheckInitialized();
  }
  if (!status.ok()) return status;
  if (complete.num_workers == 0) complete.num_workers = CpuShare();
  status = CheckWorkerLife(complete);
  if (!status.ok()) return status;
  complete.worker_program = WithFolder(options.worker_program);
  if (complete.executor == nullptr) {
    absl::StatusOr<Executor*> executor = DefaultExecutor();
    if (!executor.ok()) return executor.status();
    complete.executor = *executor;
  }
  absl::StatusOr<std::shared_ptr<PoolLoop>> loop = PoolLoop::Start(complete);
  if (!loop.ok()) return loop.status();
  return std::unique_ptr<ProcessPool>(
      new ProcessPool(complete, *std::move(loop)));
}

ProcessPool::ProcessPool(const ProcessPoolOptions& options,
                         std::shared_ptr<PoolLoop> loop)
    : loop_(std::move(loop)),
      submitter_(std::make_shared<TaskSubmitter>(options, loop_)) {
  PoolsAtExit::Get().Add(submitter_);
}

ProcessPool::~ProcessPool() {
  Close();
  Join().IgnoreError();
  PoolsAtExit::Get().Remove(submitter_);
  loop_->Shutdown();
  FreeKeptByProcess();
}

std::vector<uint64_t> ProcessPool::WorkerIds() { return loop_->WorkerIds(); }

absl::Status ProcessPool::Resize(int num_workers) {
  if (num_workers < 1 || num_workers > kLargestNumWorkers) {
    return OutOfRange("num_workers", absl::StrCat(num_workers),
                      "from 1 to 10,000");
  }
  return loop_->Resize(num_workers);
}

absl::Status ProcessPool::RestartWorkers() { return loop_->RestartWorkers(); }

void ProcessPool::Close() { submitter_->Close(); }

void ProcessPool::Terminate() {
  loop_->Terminate(absl::CancelledError("the pool was terminated"));
}

absl::Status ProcessPool::Join() { return Join(absl::InfiniteDuration()); }

absl::Status ProcessPool::Join(absl::Duration timeout) {
  absl::Status status = CheckMayJoin();
  if (!status.ok()) return status;
  if (JoinedWithin(timeout)) return loop_->failure();
  return absl::DeadlineExceededError(
      absl::StrCat("the pool has not ended, or its callbacks have not, within ",
                   absl::FormatDuration(timeout), "; it goes on"));
}

absl::StatusOr<size_t> ProcessPool::Drain(absl::Duration timeout) {
  Close();
  absl::Status status = CheckMayJoin();
  if (!status.ok()) return status;
  if (!JoinedWithin(timeout)) {
    loop_->Terminate(absl::CancelledError(
        absl::StrCat("the pool was drained, and the task had not ended within ",
                     absl::FormatDuration(timeout))));
    JoinedWithin(absl::InfiniteDuration());
  }
  status = loop_->failure();
  if (!status.ok()) return status;
  return loop_->num_cut_off();
}

PoolStats ProcessPool::Stats() { return loop_->Stats(); }

absl::Status ProcessPool::CheckMayJoin() const {
  if (!submitter_->closed()) {
    return absl::FailedPreconditionError(
        "Join would wait for ever: call Close() or Terminate() before it");
  }
  if (loop_->CallerRunsCallbacks()) {
    return absl::FailedPreconditionError(
        "Join within a callback would wait for that callback: call it from "
        "another thread");
  }
  return absl::OkStatus();
}

bool ProcessPool::JoinedWithin(absl::Duration timeout) {
  const absl::Time deadline = MonotonicNow() + timeout;
  return loop_->WaitForEnd(timeout) &&
         loop_->callbacks().ShutdownWithTimeout(deadline - MonotonicNow());
}

size_t ProcessPool::CancelPending() { return loop_->CancelPending(); }

}  // namespace multiproc
