#include "multiproc/watch/stats_proto.h"

#include "absl/time/time.h"
#include "multiproc/pool/histogram.h"

namespace multiproc {
namespace {

void Fill(const TaskCounts& tasks, PoolStatsProto::Tasks* proto) {
  proto->set_queued(tasks.queued);
  proto->set_queued_bytes(tasks.queued_bytes);
  proto->set_leased(tasks.leased);
  proto->set_submitted(tasks.submitted);
  proto->set_succeeded(tasks.succeeded);
  proto->set_failed(tasks.failed);
  proto->set_lost(tasks.lost);
  proto->set_timed_out(tasks.timed_out);
  proto->set_cancelled(tasks.cancelled);
  proto->set_cut_off(tasks.cut_off);
  proto->set_retries(tasks.retries);
  proto->set_refused(tasks.refused);
  proto->set_run_by_caller(tasks.run_by_caller);
}

void Fill(const WorkerCounts& workers, PoolStatsProto::Workers* proto) {
  proto->set_starting(workers.starting);
  proto->set_idle(workers.idle);
  proto->set_busy(workers.busy);
  proto->set_spare(workers.spare);
  proto->set_leaving(workers.leaving);
  proto->set_started(workers.started);
  proto->set_refused_starts(workers.refused_starts);
}

PoolStatsProto::Worker::State StateOf(WorkerState state) {
  switch (state) {
    case WorkerState::kStarting:
      return PoolStatsProto::Worker::STARTING;
    case WorkerState::kIdle:
      return PoolStatsProto::Worker::IDLE;
    case WorkerState::kBusy:
      return PoolStatsProto::Worker::BUSY;
    case WorkerState::kSpare:
      return PoolStatsProto::Worker::SPARE;
    case WorkerState::kLeaving:
      break;
  }
  return PoolStatsProto::Worker::LEAVING;
}

void Fill(const WorkerStats& worker, PoolStatsProto::Worker* proto) {
  proto->set_id(worker.id);
  proto->set_pid(worker.pid);
  proto->set_state(StateOf(worker.state));
  proto->set_tasks_done(worker.tasks_done);
  proto->set_tasks_leased(worker.tasks_leased);
  proto->set_running_task_id(worker.running_task_id);
  proto->set_age_ns(absl::ToInt64Nanoseconds(worker.age));
}

void Fill(const WorkerEnds& ends, PoolStatsProto::WorkerEnds* proto) {
  proto->set_not_ready(ends.not_ready);
  proto->set_crashed(ends.crashed);
  proto->set_oom_killed(ends.oom_killed);
  proto->set_timed_out(ends.timed_out);
  proto->set_cancelled(ends.cancelled);
  proto->set_broken_channel(ends.broken_channel);
  proto->set_max_tasks(ends.max_tasks);
  proto->set_max_age(ends.max_age);
  proto->set_max_memory(ends.max_memory);
  proto->set_restarted(ends.restarted);
  proto->set_idle(ends.idle);
  proto->set_resized(ends.resized);
  proto->set_closed(ends.closed);
  proto->set_terminated(ends.terminated);
  proto->set_sigterm(ends.sigterm);
}

void Fill(const Histogram& times, PoolStatsProto::Times* proto) {
  proto->set_count(times.count());
  proto->set_mean_ns(absl::ToInt64Nanoseconds(times.Mean()));
  proto->set_min_ns(absl::ToInt64Nanoseconds(times.Min()));
  proto->set_max_ns(absl::ToInt64Nanoseconds(times.Max()));
  proto->set_p50_ns(absl::ToInt64Nanoseconds(times.Quantile(0.5)));
  proto->set_p90_ns(absl::ToInt64Nanoseconds(times.Quantile(0.9)));
  proto->set_p99_ns(absl::ToInt64Nanoseconds(times.Quantile(0.99)));
}

}  // namespace

PoolStatsProto ToProto(const PoolStats& stats) {
  PoolStatsProto proto;
  Fill(stats.tasks, proto.mutable_tasks());
  Fill(stats.workers, proto.mutable_workers());
  for (const WorkerStats& worker : stats.each_worker) {
    Fill(worker, proto.add_each_worker());
  }
  Fill(stats.worker_ends, proto.mutable_worker_ends());
  Fill(stats.run_time, proto.mutable_run_time());
  Fill(stats.latency, proto.mutable_latency());
  proto.set_bytes_sent(stats.bytes_sent);
  proto.set_bytes_received(stats.bytes_received);
  return proto;
}

}  // namespace multiproc
