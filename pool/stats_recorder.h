// Counts what a pool does, for PoolStats: a few additions for each task.
//
//   StatsRecorder recorder;
//   recorder.BeginBatch();
//   recorder.CountAnswer(response.run_time_ns());
//   recorder.CountOutcome(task, &TaskCounts::succeeded);
//   const PoolStats stats = recorder.Snapshot(workers);
//
// Not thread-safe: it belongs to whoever has the pool's loop.

#ifndef MULTIPROC_POOL_STATS_RECORDER_H_
#define MULTIPROC_POOL_STATS_RECORDER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/pool/pool_stats.h"
#include "multiproc/pool/task.h"
#include "multiproc/pool/worker_process.h"

namespace multiproc {

class StatsRecorder {
 public:
  // What is counted from here on happens at one time: that of the first
  // outcome, for which alone the clock is read.
  void BeginBatch() { now_ns_ = 0; }

  // A worker has answered, after a run of so many nanoseconds.
  void CountAnswer(int64_t run_time_ns) { run_time_.Record(run_time_ns); }

  // `task` is about to have its outcome, in place of its arguments and of the
  // time at which it was submitted.
  void CountOutcome(Task& task, TaskOutcome outcome) {
    ++(tasks_.*outcome);
    ended_bytes_ += task.argument_bytes();
    if (now_ns_ == 0) now_ns_ = MonotonicNanoseconds();
    latency_.Record(now_ns_ - task.submit_time_ns());
  }

  // What the outcome is of one that the pool ends with `error`, and that its
  // worker has not answered.
  static TaskOutcome OutcomeOf(const absl::Status& error);

  // It is tried again.
  void CountRetry() { ++tasks_.retries; }

  // A worker was started, or not.
  void CountStart(const absl::Status& status);

  // `worker` is gone. `pool_end` is what the pool kills its workers for, if it
  // was terminated or has failed, or OK. Returns as what it was counted.
  WorkerEnd CountEnd(const WorkerProcess& worker, const absl::Status& pool_end,
                     bool oom_killed);

  uint64_t num_cut_off() const { return tasks_.cut_off; }

  // All of it, with `workers`, which are those that are there; but for what
  // nobody has leased: `queued` tasks, of `submitted`, which had
  // `submitted_bytes` of arguments.
  PoolStats Snapshot(const std::vector<WorkerProcess*>& workers, size_t queued,
                     uint64_t submitted, uint64_t submitted_bytes) const;

 private:
  // Of tasks: what ends.
  TaskCounts tasks_;
  uint64_t ended_bytes_ = 0;
  Histogram run_time_;
  Histogram latency_;
  // Of the batch; 0 if the clock was not read.
  int64_t now_ns_ = 0;

  // Of workers: what is no state.
  WorkerCounts workers_;
  WorkerEnds ends_;
  // Of those that are gone.
  uint64_t bytes_sent_ = 0;
  uint64_t bytes_received_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_STATS_RECORDER_H_
