#include "multiproc/pool/stats_recorder.h"

#include <cstddef>

namespace multiproc {
namespace {

WorkerState StateOf(const WorkerProcess& worker) {
  if (!worker.usable() || worker.leaving()) return WorkerState::kLeaving;
  // Its first task may have begun before its Hello was read.
  if (!worker.ready() && worker.NumBegun() == 0) return WorkerState::kStarting;
  if (worker.spare()) return WorkerState::kSpare;
  return worker.num_leases() > 0 ? WorkerState::kBusy : WorkerState::kIdle;
}

WorkerStats StatsOf(const WorkerProcess& worker, absl::Time now) {
  WorkerStats stats;
  stats.id = worker.id();
  stats.pid = worker.pid();
  stats.state = StateOf(worker);
  stats.tasks_done = worker.num_answered();
  stats.tasks_leased = worker.num_leases();
  // It has answered the others, though that was not read.
  const size_t begun = worker.NumBegun();
  if (begun > 0) stats.running_task_id = worker.leases()[begun - 1]->id;
  stats.age = now - worker.started_at();
  return stats;
}

size_t& CountOf(WorkerState state, WorkerCounts& counts) {
  switch (state) {
    case WorkerState::kStarting:
      return counts.starting;
    case WorkerState::kIdle:
      return counts.idle;
    case WorkerState::kBusy:
      return counts.busy;
    case WorkerState::kSpare:
      return counts.spare;
    case WorkerState::kLeaving:
      break;
  }
  return counts.leaving;
}

WorkerEnd EndOf(const WorkerProcess& worker, const absl::Status& pool_end) {
  const absl::Status& reason = worker.kill_reason();
  if (worker.dismissed()) {
    const WorkerEnd left = worker.leave_reason();
    return left == nullptr ? &WorkerEnds::closed : left;
  }
  if (!worker.start_error().ok()) return &WorkerEnds::not_ready;
  if (!pool_end.ok() && reason == pool_end) return &WorkerEnds::terminated;
  if (!worker.ready()) return &WorkerEnds::not_ready;
  if (reason.ok()) return &WorkerEnds::crashed;
  if (!worker.killed_for_task()) return &WorkerEnds::broken_channel;
  if (absl::IsResourceExhausted(reason)) return &WorkerEnds::max_memory;
  return absl::IsDeadlineExceeded(reason) ? &WorkerEnds::timed_out
                                          : &WorkerEnds::cancelled;
}

}  // namespace

TaskOutcome StatsRecorder::OutcomeOf(const absl::Status& error) {
  if (absl::IsCancelled(error)) return &TaskCounts::cancelled;
  if (absl::IsDeadlineExceeded(error)) return &TaskCounts::timed_out;
  return &TaskCounts::lost;
}

void StatsRecorder::CountStart(const absl::Status& status) {
  ++(status.ok() ? workers_.started : workers_.refused_starts);
}

WorkerEnd StatsRecorder::CountEnd(const WorkerProcess& worker,
                                  const absl::Status& pool_end,
                                  bool oom_killed) {
  const WorkerEnd end = EndOf(worker, pool_end);
  ++(ends_.*end);
  if (oom_killed && end == &WorkerEnds::crashed) ++ends_.oom_killed;
  bytes_sent_ += worker.sent_bytes();
  bytes_received_ += worker.received_bytes();
  return end;
}

PoolStats StatsRecorder::Snapshot(const std::vector<WorkerProcess*>& workers,
                                  size_t queued, uint64_t submitted,
                                  uint64_t submitted_bytes) const {
  PoolStats stats;
  stats.tasks = tasks_;
  stats.workers = workers_;
  stats.worker_ends = ends_;
  stats.run_time = run_time_;
  stats.latency = latency_;
  stats.bytes_sent = bytes_sent_;
  stats.bytes_received = bytes_received_;
  stats.tasks.submitted = submitted;
  stats.tasks.queued = queued;
  uint64_t queued_bytes = submitted_bytes - ended_bytes_;
  const absl::Time now = MonotonicNow();
  for (const WorkerProcess* worker : workers) {
    stats.each_worker.push_back(StatsOf(*worker, now));
    ++CountOf(stats.each_worker.back().state, stats.workers);
    stats.tasks.leased += worker->num_leases();
    stats.bytes_sent += worker->sent_bytes();
    stats.bytes_received += worker->received_bytes();
    for (const TaskPtr& task : worker->leases()) {
      queued_bytes -= task->argument_bytes();
    }
  }
  stats.tasks.queued_bytes = static_cast<size_t>(queued_bytes);
  return stats;
}

}  // namespace multiproc
