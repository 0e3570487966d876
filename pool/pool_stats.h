// What a ProcessPool did and does, in numbers: for a monitor, a log, or whoever
// wonders why it is slow. ProcessPool::Stats gives them.
//
//   const PoolStats stats = pool->Stats();
//   LOG(INFO) << stats.tasks.queued << " tasks wait, " << stats.workers.busy
//             << " workers run, " << stats.tasks.lost << " tasks were lost, p99
//             "
//             << stats.latency.Quantile(0.99);
//
// All numbers of one PoolStats are of one moment, and so these are exact:
//   tasks.submitted == tasks.Ended() + tasks.Pending()
//   workers.started == each_worker.size() + worker_ends.Total()
// They are what the pool knows: a task whose answer is on its way counts as
// leased. Numbers without "now" count from the pool's start on. A chunk of Map
// and the like is one task, and so is each call of Broadcast.
//
// Plain values, thread-safe as such.

#ifndef MULTIPROC_POOL_POOL_STATS_H_
#define MULTIPROC_POOL_POOL_STATS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "multiproc/pool/histogram.h"

namespace multiproc {

// How many tasks there are and were.
struct TaskCounts {
  // ---- Now ----

  // Those that no worker has, and the bytes of their packed arguments.
  size_t queued = 0;
  size_t queued_bytes = 0;
  // Those that a worker has: it runs one, and others wait behind it.
  size_t leased = 0;

  // ---- From the start on ----

  // Those that the pool has taken.
  uint64_t submitted = 0;

  // What became of them; each is one of these.
  uint64_t succeeded = 0;
  // Its own error: returned, or thrown; or its worker could not run it (it does
  // not know the function, or the result was too great).
  uint64_t failed = 0;
  // Its worker died with it, or was killed for what it wrote on its channel
  // (UNAVAILABLE, DATA_LOSS, RESOURCE_EXHAUSTED).
  uint64_t lost = 0;
  // It overran its timeout (DEADLINE_EXCEEDED).
  uint64_t timed_out = 0;
  // By Future::Cancel or CancelPending (CANCELLED). One that was cancelled, and
  // returned a value all the same, has succeeded.
  uint64_t cancelled = 0;
  // By Terminate, Drain, or the pool's failure.
  uint64_t cut_off = 0;

  // How often one of them was started again (TaskOptions::max_attempts).
  uint64_t retries = 0;

  // Calls that the pool has not taken, and that are none of the above: their
  // future had an error at once (the pool is closed, the queue is full, options
  // or arguments are wrong).
  uint64_t refused = 0;
  // The same, run by their caller (WhenFull::kCallerRuns).
  uint64_t run_by_caller = 0;

  // Those without an outcome, now, and those with one.
  uint64_t Pending() const { return uint64_t{queued} + leased; }
  uint64_t Ended() const {
    return succeeded + failed + lost + timed_out + cancelled + cut_off;
  }
};

// What a worker does now.
enum class WorkerState {
  // Its process was started, and is not ready: it loads, or runs the
  // initializer. It may have its first tasks already.
  kStarting,
  // Has no task, and takes one.
  kIdle,
  // Has tasks.
  kBusy,
  // Is ready to take the place of another (ProcessPoolOptions::spare_workers).
  kSpare,
  // Gets no more tasks: it is to be replaced or one too many, was told to go,
  // or was killed, and its process is not gone. It may run its last task.
  kLeaving,
};

// One worker, now.
struct WorkerStats {
  // The pool's number for it, from 1, never used twice; and its process id.
  uint64_t id = 0;
  int64_t pid = 0;
  WorkerState state = WorkerState::kStarting;
  // How many tasks it has answered, and how many it has: runs, or has waiting.
  uint64_t tasks_done = 0;
  size_t tasks_leased = 0;
  // The number of the task that it runs, as in TaskFailure.task_id; 0 for none.
  uint64_t running_task_id = 0;
  // Since its process was started. (ProcessPoolOptions::max_worker_age counts
  // from when it was ready.)
  absl::Duration age;
};

// How many workers there are and were.
struct WorkerCounts {
  // How many there are now in each state.
  size_t starting = 0;
  size_t idle = 0;
  size_t busy = 0;
  size_t spare = 0;
  size_t leaving = 0;

  // Processes that were started, and starts that the system refused, from the
  // pool's start on.
  uint64_t started = 0;
  uint64_t refused_starts = 0;
};

// Why workers ended; each that is gone is one of these, but for oom_killed. For
// one that was told to leave it is the first reason, however it went then.
struct WorkerEnds {
  // Before it was ready: it died, did not get ready within
  // worker_start_timeout, or the initializer gave an error.
  uint64_t not_ready = 0;
  // Died by itself, or was killed by somebody else than the pool.
  uint64_t crashed = 0;
  // Of those that crashed: by the kernel's out-of-memory killer, as far as that
  // can be known (TaskFailure.oom_killed).
  uint64_t oom_killed = 0;
  // Killed for a task that overran its timeout; that was cancelled, and did not
  // end within its cancel_grace.
  uint64_t timed_out = 0;
  uint64_t cancelled = 0;
  // Killed as its channel is of no use any more: it closed it, something else
  // was written there, a message was over the limit or stopped in the middle.
  uint64_t broken_channel = 0;
  // Replaced: max_tasks_per_worker, max_worker_age, max_worker_memory_bytes or
  // kill_worker_memory_bytes, RestartWorkers.
  uint64_t max_tasks = 0;
  uint64_t max_age = 0;
  uint64_t max_memory = 0;
  uint64_t restarted = 0;
  // Replaced: somebody sent it SIGTERM while it ran a task, which it has ended.
  // (One that ran nothing counts as crashed.)
  uint64_t sigterm = 0;
  // One too many: idle_timeout, Resize.
  uint64_t idle = 0;
  uint64_t resized = 0;
  // At the pool's end: Close, and nothing is left to do; Terminate, Drain, or
  // the pool's failure, which kill.
  uint64_t closed = 0;
  uint64_t terminated = 0;

  // All that are gone.
  uint64_t Total() const {
    return not_ready + crashed + timed_out + cancelled + broken_channel +
           max_tasks + max_age + max_memory + restarted + sigterm + idle +
           resized + closed + terminated;
  }
};

// What became of a task: one of the members of TaskCounts that Ended adds up.
using TaskOutcome = uint64_t TaskCounts::*;

// Why a worker ended: a member of WorkerEnds.
using WorkerEnd = uint64_t WorkerEnds::*;

// All that ProcessPool::Stats tells.
struct PoolStats {
  // The numbers of tasks, and of workers.
  TaskCounts tasks;
  WorkerCounts workers;
  // Each that there is now, in the order in which they were started.
  std::vector<WorkerStats> each_worker;
  // Why others ended.
  WorkerEnds worker_ends;

  // How long tasks ran in their workers: each attempt that was answered.
  Histogram run_time;
  // From Submit, once it had room (max_pending), to the outcome: each task that
  // has one, whichever, with the time of all its attempts.
  Histogram latency;

  // To and from workers by their channels: frames of tasks, answers and all
  // else.
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_POOL_STATS_H_
