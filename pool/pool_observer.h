// Is told of all that happens in a ProcessPool, as it happens: for a progress
// bar, a trace, a log (watch/ has the first two).
//
//   class Slow : public multiproc::PoolObserver {
//    public:
//     void OnAnswered(absl::Time, const multiproc::ObservedTask& task,
//                     const multiproc::TaskRun& run) override {
//       if (run.time > absl::Seconds(1)) Note(task.function, run.time);
//     }
//   };
//   Slow slow;
//   options.observers = {&slow};                    // ProcessPoolOptions
//
// Threads: a pool with observers has one more thread, which calls all methods
// of all of them, one at a time, in the order in which things happened to the
// pool, and holds no lock. A method may call the pool's own (Stats, Submit,
// Cancel ...), but must not wait for a task, nor for room in the queue, nor
// destroy the pool or end the program. Join within one is FAILED_PRECONDITION.
// Join in any other thread returns after the last call, and so does the pool's
// destructor.
//
// Methods are called some microseconds after the event, and a future may be
// ready before. An observer that is slower than the pool slows it down: from
// 16,384 events that wait on, the pool goes on only when half of them were told
// (not once it is terminated), and timeouts of tasks are noticed that late. It
// costs each task about a microsecond, and about half a kilobyte for each event
// that waits; a pool without observers has one branch for each step of a task.
//
// The life of a task, of which each can only be followed by those below it:
//
//   OnSubmitted          the pool has it, and no worker
//   OnLeased             it was sent to a worker, may wait there, and runs
//   OnTakenBack          it had not begun there: as after OnSubmitted
//   OnAnswered           its worker has sent its result or its own error
//   OnRetried            it has failed, and may run again: as after OnSubmitted
//   OnEnded              it has its outcome; exactly once for each task
//
// A chunk of Map and the like is one task of several items. A task that the
// pool refuses is none.

#ifndef MULTIPROC_POOL_POOL_OBSERVER_H_
#define MULTIPROC_POOL_POOL_OBSERVER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/pool/pool_stats.h"

namespace multiproc {

// A task at one moment.
struct ObservedTask {
  // The pool's number for it, from 1, as in TaskFailure.task_id.
  uint64_t id = 0;
  // The name of its function; as long as the program lives.
  absl::string_view function;
  // TaskOptions::label.
  std::string label;
  // How many calls it is: more than one for a chunk of Map.
  uint32_t items = 1;
  // From 1.
  int attempt = 1;
  // Of its packed arguments, also in OnEnded.
  size_t argument_bytes = 0;
  // The pool's number (WorkerStats::id) of the worker that has it, or had it
  // just before; 0 if none.
  uint64_t worker_id = 0;
};

// How an answer came about.
struct TaskRun {
  // When the worker began the task, by its own clock, which is this process's
  // (MonotonicNow), and how long it ran there.
  absl::Time start;
  absl::Duration time;
  // OK, or the task's own error, or why the worker could not run it.
  absl::Status status;
};

// A worker, as events tell of it.
struct ObservedWorker {
  // The pool's number for it, from 1, never used twice; and its process id.
  uint64_t id = 0;
  int64_t pid = 0;
};

// `when` is when it happened, of MonotonicNow (executors/monotonic_clock.h),
// which has nothing to do with the time of day.
class PoolObserver {
 public:
  virtual ~PoolObserver() = default;

  // A task was submitted; it was leased to `task.worker_id`, and waits there or
  // runs; it was taken back from there before it ran; its answer came.
  virtual void OnSubmitted(absl::Time /*when*/, const ObservedTask& /*task*/) {}
  virtual void OnLeased(absl::Time /*when*/, const ObservedTask& /*task*/) {}
  virtual void OnTakenBack(absl::Time /*when*/, const ObservedTask& /*task*/) {}
  virtual void OnAnswered(absl::Time /*when*/, const ObservedTask& /*task*/,
                          const TaskRun& /*run*/) {}
  // `task.attempt` is the next one.
  virtual void OnRetried(absl::Time /*when*/, const ObservedTask& /*task*/) {}

  // `outcome` is the member of TaskCounts that counts it (TaskOutcomeName names
  // it); `status` what its future has. Without OnAnswered before it, it was
  // lost, timed out, cancelled or cut off.
  virtual void OnEnded(absl::Time /*when*/, const ObservedTask& /*task*/,
                       TaskOutcome /*outcome*/,
                       const absl::Status& /*status*/) {}

  // A worker's process was started; it takes tasks; the pool has killed it, for
  // `reason`; its process is gone, for `cause`, the member of WorkerEnds that
  // counts it (WorkerEndName). A worker that ends may have skipped any but the
  // first.
  virtual void OnWorkerStarted(absl::Time /*when*/,
                               const ObservedWorker& /*worker*/) {}
  virtual void OnWorkerReady(absl::Time /*when*/,
                             const ObservedWorker& /*worker*/) {}
  virtual void OnWorkerKilled(absl::Time /*when*/,
                              const ObservedWorker& /*worker*/,
                              const absl::Status& /*reason*/) {}
  virtual void OnWorkerEnded(absl::Time /*when*/,
                             const ObservedWorker& /*worker*/,
                             WorkerEnd /*cause*/,
                             const ExitStatus& /*exit_status*/) {}

  // No other event waits: time to write out what was gathered.
  virtual void OnCaughtUp() {}
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_POOL_OBSERVER_H_
