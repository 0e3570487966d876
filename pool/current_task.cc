#include "multiproc/pool/current_task.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/pool/frame_format.h"
#include "multiproc/pool/worker_memory.h"

namespace multiproc {
namespace {

using current_task_internal::Running;

// One that is never destroyed: other threads may look at it until the end.
Running& TheRunning() {
  static Running* const running = new Running;
  return *running;
}

// Whether this thread runs tasks.
thread_local bool runs_tasks = false;

// Zero stands for none.
absl::Time After(absl::Time begin, uint64_t timeout_ns) {
  if (timeout_ns == 0) return absl::InfiniteFuture();
  return begin + absl::Nanoseconds(static_cast<int64_t>(timeout_ns));
}

}  // namespace

Running& current_task_internal::Start() {
  runs_tasks = true;
  return TheRunning();
}

CurrentTask::CurrentTask() {
  if (!runs_tasks) return;
  const Running& running = TheRunning();
  id_ = running.id.load(std::memory_order_relaxed);
  if (id_ == 0 || !running.request->has_extras()) return;
  const TaskRequest::Extras& extras = running.request->extras();
  attempt_ = std::max(extras.attempt(), 1);
  label_ = extras.label();
  soft_deadline_ = After(running.begin, extras.soft_timeout_ns());
  deadline_ =
      std::min(soft_deadline_, After(running.begin, extras.timeout_ns()));
}

bool CurrentTask::cancelled() const {
  if (id_ == 0) return false;
  const Running& running = TheRunning();
  if (running.id.load(std::memory_order_relaxed) != id_) return true;
  if (running.notice->load(std::memory_order_relaxed) == id_) return true;
  return soft_deadline_ != absl::InfiniteFuture() &&
         MonotonicNow() >= soft_deadline_;
}

absl::Time CurrentTask::deadline() const { return absl::Now() + time_left(); }

absl::Duration CurrentTask::time_left() const {
  return deadline_ - MonotonicNow();
}

bool CurrentTask::HasListener() const {
  if (id_ == 0 || !runs_tasks) return false;
  const Running& running = TheRunning();
  if (running.id.load(std::memory_order_relaxed) != id_) return false;
  return running.request->extras().wants_progress() ||
         running.listened[id_ % WorkerMemory::kListened].load(
             std::memory_order_relaxed) == id_;
}

bool CurrentTask::ReportProgress(absl::string_view bytes) const {
  if (!HasListener() || bytes.size() > kAttachmentBytes) return false;
  const Running& running = TheRunning();
  // A child that a task has forked has the memory, and not the channel.
  return running.pid == CurrentPid() && running.report(bytes);
}

}  // namespace multiproc
