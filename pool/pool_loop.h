// A pool's workers, their channels, the queue and the leases: whoever has the
// loop's lock may touch them, and nobody waits for a worker with it. The states
// are drawn in docs/architecture.md.
//
//   owner thread, each turn:  handle what is ready -> take what was submitted
//   -> kill what is overdue -> start what is missing -> lease what is queued ->
//   wait
//
// The owner thread does all that nobody waits for. Two things a caller's thread
// does itself, as waking another for it would cost more than all the rest:
// Submit sends a task to a worker that is idle, and Get waits for the answer of
// a worker that has no other task on that worker's pipe.
//
// What is missing is derived from the state in each turn, never counted from
// past events: a lost event can't make the pool wait for a worker for ever.
//
// Thread-safe, where not said otherwise.

#ifndef MULTIPROC_POOL_POOL_LOOP_H_
#define MULTIPROC_POOL_POOL_LOOP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/executors/library_thread.h"
#include "multiproc/executors/poller.h"
#include "multiproc/pool/answer_wait.h"
#include "multiproc/pool/callback_thread.h"
#include "multiproc/pool/lease_policy.h"
#include "multiproc/pool/lost_task.h"
#include "multiproc/pool/oom_watch.h"
#include "multiproc/pool/output_relay.h"
#include "multiproc/pool/pending_limit.h"
#include "multiproc/pool/pool_events.h"
#include "multiproc/pool/pool_options.h"
#include "multiproc/pool/pool_size.h"
#include "multiproc/pool/pool_stats.h"
#include "multiproc/pool/spinner.h"
#include "multiproc/pool/stats_recorder.h"
#include "multiproc/pool/task.h"
#include "multiproc/pool/task_queue.h"
#include "multiproc/pool/worker_output.h"
#include "multiproc/pool/worker_process.h"
#include "multiproc/pool/worker_set.h"

namespace multiproc {

class PoolLoop : public FutureOwner {
 public:
  // Starts all workers on the caller's thread, and then the owner thread.
  // `options` are checked, and its executor is set. The first error of a spawn
  // is returned, and nothing is left.
  static absl::StatusOr<std::shared_ptr<PoolLoop>> Start(
      const ProcessPoolOptions& options);

  // After Shutdown.
  ~PoolLoop() override {
    // A callback may use the rest of this.
    callbacks_.Shutdown();
  }

  // Terminates, and waits until the owner thread is gone. What is left is for
  // the futures that outlive the pool.
  void Shutdown();

  // Queues `task`, and gives it its id. If a worker is idle it has the task
  // when this returns, unless another was submitted a moment before. It ends at
  // once, with FAILED_PRECONDITION, if the pool is closed, or with the reason
  // if it failed.
  void Submit(TaskPtr task);

  // No further Submit. Tasks that were submitted run.
  void Close();

  // Close, and end every task with `reason`.
  void Terminate(absl::Status reason);

  // Whether Close or Terminate was called, or the pool failed.
  bool closed();

  // Waits until all tasks have ended and all workers are gone, after Close or
  // Terminate; false if that takes longer than `timeout`.
  bool WaitForEnd(absl::Duration timeout);

  // OK, or why the pool failed.
  absl::Status failure();

  // Ends all tasks that no worker has begun with CANCELLED; how many.
  size_t CancelPending();

  // As ProcessPool's.
  PoolStats Stats();
  // What Submit has not got, for Stats.
  void CountRefused() { num_refused_.fetch_add(1, std::memory_order_relaxed); }
  void CountRunByCaller() {
    num_run_by_caller_.fetch_add(1, std::memory_order_relaxed);
  }

  // How many tasks were ended by Terminate, or the pool's failure.
  size_t num_cut_off();

  // Null if any number of tasks may be pending. A task that comes to Submit is
  // counted in.
  PendingLimit* limit() { return limit_.get(); }

  // As ProcessPool's.
  absl::Status Resize(int num_workers);
  absl::Status RestartWorkers();
  // How many workers there are to be at most.
  int num_workers() const { return num_workers_; }

  // Leases a task of its own, made by `make_task`, to each worker that is not
  // leaving. It runs there or nowhere, behind what the worker has.
  absl::StatusOr<std::vector<TaskPtr>> SubmitToEach(
      const std::function<TaskPtr()>& make_task);

  // As ProcessPool's.
  std::vector<uint64_t> WorkerIds();

  // Leases `task`, which is counted in, to that worker, and no other. Not OK if
  // it was not taken: NOT_FOUND if there is no such worker, or why the pool
  // takes no task.
  absl::Status SubmitTo(uint64_t worker_id, TaskPtr task);

  // Of FutureOwner. Callbacks have a thread of their own.
  void Post(std::function<void()> callback) override;
  void Help(FutureState& state, absl::Time deadline) override;
  void Attend() override;
  bool Cancel(const std::shared_ptr<FutureState>& state) override;
  void Listen(FutureState& state) override;
  CallbackThread& callbacks() { return callbacks_; }
  // Whether the caller is one that tasks, or the pool's end, may wait for.
  bool CallerRunsCallbacks() const {
    return callbacks_.IsCurrent() ||
           (events_ != nullptr && events_->IsCurrent());
  }

 private:
  // Whoever has the loop to itself: the owner thread, or a caller for a moment.
  // Those who wait for tasks that end meanwhile are told at its end.
  class Section;
  // A caller that waits for one worker's answer itself.
  struct Claim;
  // Whether the owner thread watches at once for the answer to a task that is
  // sent, or once nobody else does (Attend).
  enum class WatchAnswer { kNow, kLater };

  PoolLoop(const ProcessPoolOptions& options, std::unique_ptr<Poller> poller);

  // ---- On the owner thread ----
  void Run();
  bool Turn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  absl::Status StartAllWorkers();

  // ---- On a caller's thread ----
  void Feed();

  // ---- On any thread that has the loop ----
  bool TakeSubmitted() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void QueueSubmitted() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_, mutex_);
  void DispatchAll(WatchAnswer watch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void Dispatch(WatchAnswer watch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  WorkerProcess* PickWorker(bool cpus_are_busy)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  bool CpusAreBusy() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  absl::Time FlowsSince() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void LeaseTo(WorkerProcess& worker, bool cpus_are_busy, WatchAnswer watch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  size_t FairShare(bool cpus_are_busy) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  bool StealForIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void TakeBack(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  std::vector<TaskPtr> Reclaim(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void Requeue(WorkerProcess& worker, std::vector<TaskPtr> tasks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void Pin(WorkerProcess& worker, TaskPtr task)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_, mutex_);
  void LeaseAllPinned() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void LeasePinned(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void LoseLeft(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void WatchUnattended() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void WakeOwnerIfNeeded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);

  std::optional<Claim> BeginClaim(const Task& task)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  bool UseClaim(Claim& claim, bool spun)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void EndClaim(Claim& claim) ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void DropClaim(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);

  void HandleReady(const std::vector<uint64_t>& tokens)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void HandleResponses(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void ReadResponses(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  // What follows from what the worker's Receive or a like of it returned.
  void HandleReceived(WorkerProcess& worker, absl::Status status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  // For what `worker`, which must outlive it, answers.
  WorkerProcess::AnswerCallback AnswerHandler(const WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void HandleAnswer(const WorkerProcess& worker, TaskPtr task,
                    TaskResponse& response, PackedBytes attachment)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void HandleError(TaskPtr task, absl::Status error, int64_t run_time_ns)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void HandleOutput(WorkerProcess& worker, WorkerOutput::Stream stream)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void HandleExit(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void SettleLeases(WorkerProcess& worker, const WorkerDeath& death)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  // Counts another attempt, if the task may have one.
  bool TryAgain(Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void Finish(TaskPtr task, absl::Status status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void End(TaskPtr task, absl::Status status, TaskOutcome outcome,
           int64_t run_time_ns = 0) ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void CountOut(Task& task, TaskOutcome outcome, const absl::Status& status,
                int64_t run_time_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);

  void Recall(WorkerProcess& worker, const Task& task)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void CancelUnbegun(const TaskPtr& task)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void TellToEnd(WorkerProcess& worker, Task& task)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);

  void HandleOverdue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  bool IsOverdue(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void LosePatience(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void KillOverdue(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void EndTasks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void Fail(absl::Status reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);

  void SeeToLeaving(WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void LetLeave(WorkerProcess& worker, WorkerEnd reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void TurnOver() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void Wake();
  absl::Status WhyClosed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  size_t MissingWorkers() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void LookAtMemory() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void KillForMemory(WorkerProcess& worker, uint64_t id, uint64_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);

  size_t WantedWorkers() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  bool MayReplace() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  bool SomeWorkerLives() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  size_t MissingSpares() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void EnlistSpares() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void DismissSpare(WorkerProcess& spare)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void StartMissing() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  // `eager` ones take a task before they are ready.
  absl::Status StartWorker(bool eager, bool spare = false)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  bool FailForStartError(const WorkerProcess& worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void CountFailedStart(const absl::Status& reason, absl::Duration delay)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  void DismissIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);

  absl::Time NextEvent() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);
  absl::Duration RestTime() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_);

  const ProcessPoolOptions options_;
  // When the pool was made.
  const int num_cpus_;
  const int cpu_share_;
  CallbackThread callbacks_;
  // Null if nothing is captured.
  const std::shared_ptr<OutputRelay> output_;
  // Null if nobody observes. Guarded by loop_mutex_, but for what is
  // thread-safe in it.
  const std::unique_ptr<PoolEvents> events_;

  // Whoever has the loop to itself.
  absl::Mutex loop_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  // Null after Shutdown, which holds mutex_, too.
  std::unique_ptr<Poller> poller_;
  // Workers that may have pinned tasks.
  std::set<uint64_t> pinned_workers_ ABSL_GUARDED_BY(loop_mutex_);
  TaskQueue queue_ ABSL_GUARDED_BY(loop_mutex_);
  const std::unique_ptr<PendingLimit> limit_;
  StatsRecorder stats_ ABSL_GUARDED_BY(loop_mutex_);
  OomWatch oom_watch_ ABSL_GUARDED_BY(loop_mutex_);
  LeasePolicy policy_ ABSL_GUARDED_BY(loop_mutex_);
  WorkerSet workers_ ABSL_GUARDED_BY(loop_mutex_);
  // Those that have ended, and whose waiters are to be told.
  std::vector<TaskPtr> ended_tasks_ ABSL_GUARDED_BY(loop_mutex_);
  // Spare ones for callers that wait for answers themselves.
  std::vector<std::unique_ptr<AnswerWait>> spare_waits_
      ABSL_GUARDED_BY(loop_mutex_);
  // Of those callers.
  Spinner spinner_ ABSL_GUARDED_BY(loop_mutex_);
  // Workers with one task, from a caller, whose responses nobody watches yet.
  std::vector<uint64_t> unattended_ ABSL_GUARDED_BY(loop_mutex_);
  // When a caller last gave a task to a worker.
  absl::Time last_feed_ ABSL_GUARDED_BY(loop_mutex_) = absl::InfinitePast();
  // Until when the owner thread sleeps if nothing happens.
  absl::Time owner_sleeps_until_ ABSL_GUARDED_BY(loop_mutex_) =
      absl::InfinitePast();
  PoolSize size_ ABSL_GUARDED_BY(loop_mutex_);
  uint64_t next_worker_id_ ABSL_GUARDED_BY(loop_mutex_) = 1;
  // Closed, as the loop knows it.
  bool stopping_ ABSL_GUARDED_BY(loop_mutex_) = false;
  // Not OK once no task is to be run any more: what becomes of them.
  absl::Status ended_ ABSL_GUARDED_BY(loop_mutex_);
  // Workers that ended before their first answer, and not with a task, or could
  // not be started, since the last answer of any.
  int failed_starts_ ABSL_GUARDED_BY(loop_mutex_) = 0;
  // Before the next start after one that the system refused.
  static constexpr absl::Duration kRefusedDelay = absl::Milliseconds(5);
  absl::Duration refused_delay_ ABSL_GUARDED_BY(loop_mutex_) = kRefusedDelay;
  absl::Time next_memory_look_ ABSL_GUARDED_BY(loop_mutex_) =
      absl::InfinitePast();
  absl::Time next_start_ ABSL_GUARDED_BY(loop_mutex_) = absl::InfinitePast();

  std::atomic<int> num_workers_;
  std::atomic<uint64_t> num_refused_{0};
  std::atomic<uint64_t> num_run_by_caller_{0};
  // Whether nothing is queued and some worker has nothing to do, or could be
  // started: Submit sees to the task itself then. Set with the loop, and before
  // the last look at submitted_.
  std::atomic<bool> has_idle_worker_{false};
  // Whether unattended_ has any.
  std::atomic<bool> has_unattended_{false};
  // Whether the owner thread was woken for what is submitted.
  std::atomic<bool> wake_is_due_{false};

  // Between the threads.
  absl::Mutex mutex_;
  std::vector<TaskPtr> submitted_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_task_id_ ABSL_GUARDED_BY(mutex_) = 1;
  // Of the arguments of all tasks that ever had an id.
  uint64_t submitted_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status terminated_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;

  std::unique_ptr<LibraryThread> thread_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_POOL_LOOP_H_
