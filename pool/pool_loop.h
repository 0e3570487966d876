// The owner of a pool's workers: one thread, which alone touches them, their
// channels, the queue and the leases. The states it goes through are drawn in
// docs/architecture.md.
//
//   each turn:  take what was submitted -> handle what is ready -> kill what is
//   overdue -> start what is missing -> lease what is queued -> wait
//
// What is missing is derived from the state in each turn, never counted from
// past events: a lost event can't make the pool wait for a worker for ever.
//
// Thread-safe, where not said otherwise.

#ifndef MULTIPROC_POOL_POOL_LOOP_H_
#define MULTIPROC_POOL_POOL_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/executors/library_thread.h"
#include "multiproc/pool/poller.h"
#include "multiproc/pool/pool_options.h"
#include "multiproc/pool/task.h"
#include "multiproc/pool/worker_process.h"
#include "multiproc/pool/worker_set.h"

namespace multiproc {

class PoolLoop {
 public:
  // Starts all workers on the caller's thread, and then the owner thread.
  // `options` are checked, and its executor is set. The first error of a spawn
  // is returned, and nothing is left.
  static absl::StatusOr<std::unique_ptr<PoolLoop>> Start(
      const ProcessPoolOptions& options);

  // Terminates, and waits.
  ~PoolLoop();

  // Queues `task`, and gives it its id. It ends at once, with
  // FAILED_PRECONDITION, if the pool is closed, or with the reason if it
  // failed.
  void Submit(std::unique_ptr<Task> task);

  // No further Submit. Tasks that were submitted run.
  void Close();

  // Close, and end every task with `reason`.
  void Terminate(absl::Status reason);

  // Whether Close or Terminate was called, or the pool failed.
  bool closed();

  // Waits until all tasks have ended and all workers are gone; after Close or
  // Terminate. OK, or why the pool failed.
  absl::Status Join();

 private:
  using TaskPtr = std::unique_ptr<Task>;

  PoolLoop(const ProcessPoolOptions& options, std::unique_ptr<Poller> poller);

  // All of these on the owner thread; before it exists, on Start's.
  void Run();
  bool Turn();
  void TakeSubmitted();

  void HandleReady(const std::vector<uint64_t>& tokens);
  void HandleResponses(WorkerProcess& worker);
  absl::Status Receive(WorkerProcess& worker, size_t max_bytes);
  void HandleExit(WorkerProcess& worker);
  void SettleLeases(WorkerProcess& worker, const ExitStatus& exit_status);
  void FailAttempt(TaskPtr task, absl::Status status);

  void KillOverdue();
  void EndTasks();
  void Fail(absl::Status reason);

  size_t MissingWorkers();
  void StartMissing();
  absl::Status StartWorker(bool eager);
  void CountFailedStart(const absl::Status& reason, absl::Duration delay);

  void Dispatch();
  void DismissIdle();
  absl::Duration TimeToNextEvent();

  const ProcessPoolOptions options_;
  const std::unique_ptr<Poller> poller_;

  // Of the owner thread.
  std::deque<TaskPtr> queue_;
  WorkerSet workers_;
  uint64_t next_worker_id_ = 1;
  // Closed, as the owner thread knows it.
  bool stopping_ = false;
  // Not OK once no task is to be run any more: what becomes of them.
  absl::Status ended_;
  // Workers that ended before their first answer, and not with a task, or could
  // not be started, since the last answer of any.
  int failed_starts_ = 0;
  // Before the next start after one that the system refused.
  static constexpr absl::Duration kRefusedDelay = absl::Milliseconds(5);
  absl::Duration refused_delay_ = kRefusedDelay;
  absl::Time next_start_ = absl::InfinitePast();

  // Between the threads.
  absl::Mutex mutex_;
  std::vector<TaskPtr> submitted_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_task_id_ ABSL_GUARDED_BY(mutex_) = 1;
  bool wake_is_due_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status terminated_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;

  // Last, so that it is joined before anything else is destroyed.
  std::unique_ptr<LibraryThread> thread_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_POOL_LOOP_H_
