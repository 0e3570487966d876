// How calls become tasks of a pool, and until when: what Submit and Map share.
//
// A Map that goes on by itself (MapAsync) counts as submitted when it begins:
// once the pool is closed its chunks are taken all the same, and the pool's
// loop learns of the end when the last has been sent.
//
// Thread-safe.

#ifndef MULTIPROC_POOL_TASK_SUBMITTER_H_
#define MULTIPROC_POOL_TASK_SUBMITTER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/future_state.h"
#include "multiproc/pool/pool_loop.h"
#include "multiproc/pool/pool_options.h"
#include "multiproc/pool/task.h"
#include "multiproc/pool/task_memory.h"

namespace multiproc {

class TaskSubmitter {
 public:
  // `options` are the pool's, complete.
  TaskSubmitter(const ProcessPoolOptions& options,
                std::shared_ptr<PoolLoop> loop)
      : options_(options), loop_(std::move(loop)) {}

  // Whose call it is: Submit's, which may have to wait for room; that of a map,
  // which has a bound of its own, and is counted in without waiting; or that of
  // one that goes on by itself, and after Close.
  enum class Caller { kUser, kMap, kRun };

  struct Submitted {
    // Never null.
    std::shared_ptr<FutureState> state;
    // The pool is closed, or has failed: it will take no other call of this
    // caller either. False where only this call is at fault.
    bool refused = false;
  };

  // Submits `count` calls, whose arguments stand in a row, as one task; or
  // fulfils it with the error of `call`. kRun is for those who are between
  // BeginRun and EndRun.
  Submitted Submit(const TaskOptions& options, absl::StatusOr<PackedCall> call,
                   uint32_t count = 1, Caller caller = Caller::kUser);

  // Submits one call of its own to each present worker
  // (PoolLoop::SubmitToEach).
  absl::StatusOr<std::vector<std::shared_ptr<FutureState>>> Broadcast(
      const TaskOptions& options, const absl::StatusOr<PackedCall>& call);

  // Submits one to the worker `worker_id` alone (PoolLoop::SubmitTo).
  std::shared_ptr<FutureState> SubmitTo(const TaskOptions& options,
                                        uint64_t worker_id,
                                        absl::StatusOr<PackedCall> call);

  // False, without a run, if the pool is closed.
  bool BeginRun();
  void EndRun();

  // Refuses what runs send from now on, too, with CANCELLED.
  void CancelRuns() { runs_cancelled_ = true; }

  // No further Submit by users, and no further run.
  void Close();
  bool closed() const;

  const ProcessPoolOptions& options() const { return options_; }
  const std::shared_ptr<PoolLoop>& loop() const { return loop_; }

 private:
  // To be called before the first task, without the loop's locks.
  void RenewExitHook();
  TaskPtr NewTask();
  TaskPtr MakeTask(const TaskOptions& options, PackedCall call, uint32_t count);
  // Waits for room, if it may; false if there is none.
  bool CountIn(size_t bytes, Caller caller);
  absl::Status QueueIsFullError() const;
  // For a task that found none.
  std::shared_ptr<FutureState> SubmitToFull(PackedCall call, uint32_t count);
  std::shared_ptr<FutureState> Refused(absl::Status status);
  std::shared_ptr<FutureState> Fulfilled(absl::Status status,
                                         std::string result = "");

  const ProcessPoolOptions options_;
  const std::shared_ptr<PoolLoop> loop_;
  const TaskMemory::Ptr task_memory_ = TaskMemory::Create();

  mutable absl::Mutex mutex_;
  int num_runs_ ABSL_GUARDED_BY(mutex_) = 0;
  // Closed, and the loop does not know it yet. Written with mutex_ held.
  std::atomic<bool> close_is_due_{false};
  std::atomic<bool> runs_cancelled_{false};
  std::atomic<bool> exit_hook_is_due_{true};
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_TASK_SUBMITTER_H_
