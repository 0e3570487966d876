// What a pool tells its observers: gathered by whoever has the pool's loop, and
// told in that order on a thread of its own.
//
//   std::unique_ptr<PoolEvents> events = PoolEvents::For(options.observers);
//   if (events != nullptr) events->Leased(worker, 0);
//   if (events != nullptr) events->Deliver();       // before the loop is left
//
// Which worker has a task, and what was told of a worker, is kept here: nothing
// is needed in Task and WorkerProcess for it.
//
// For whoever has the loop, where not said otherwise.

#ifndef MULTIPROC_POOL_POOL_EVENTS_H_
#define MULTIPROC_POOL_POOL_EVENTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/pool/callback_thread.h"
#include "multiproc/pool/pool_observer.h"
#include "multiproc/pool/pool_stats.h"
#include "multiproc/pool/task.h"
#include "multiproc/pool/worker_process.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

class PoolEvents {
 public:
  // From so many on AwaitRoom waits, until half of them are told.
  static constexpr size_t kMostWaiting = 16384;

  // Null if there is no observer; null ones are none.
  static std::unique_ptr<PoolEvents> For(
      const std::vector<PoolObserver*>& observers);

  // Starts the thread. RESOURCE_EXHAUSTED if none can be had.
  absl::Status Start() { return thread_.Start(); }

  // ---- Tasks ----

  void Submitted(Task& task);
  // The leases of `worker` from the one at `first` on are new.
  void Leased(WorkerProcess& worker, size_t first);
  // These were leased, and have not begun.
  void TakenBack(const std::vector<TaskPtr>& tasks);
  // `error` is the response's, or OK.
  void Answered(Task& task, const TaskResponse& response,
                const absl::Status& error);
  // `task.attempt` is the next one.
  void Retried(Task& task);
  // Before its arguments make room for its outcome.
  void Ended(Task& task, TaskOutcome outcome, const absl::Status& status);

  // ---- Workers ----

  void WorkerStarted(const WorkerProcess& worker);
  // Tells if it is ready, or was killed, and that was not told.
  void Look(const WorkerProcess& worker);
  void WorkerEnded(const WorkerProcess& worker, WorkerEnd cause,
                   const ExitStatus& exit_status);

  // ---- The way to the observers ----

  // Sends what was gathered on its way.
  void Deliver();

  // Any thread that has not the loop: waits until there is room for more, or
  // Release was called; waits until all is told.
  void AwaitRoom();
  void AwaitAllTold();

  // Any thread: nobody waits for room any more.
  void Release();

  // Any thread: whether it is the one that calls observers.
  bool IsCurrent() const { return thread_.IsCurrent(); }

  // Waits until all is told; nothing is from then on. Not with the loop.
  void Shutdown();

 private:
  using Event = std::function<void(PoolObserver&)>;

  // What was told of a worker.
  struct Told {
    int64_t pid = 0;
    bool ready = false;
    bool killed = false;
  };

  explicit PoolEvents(std::vector<PoolObserver*> observers)
      : observers_(std::move(observers)) {}

  ObservedTask View(Task& task) const;
  // The same, of a task that has no worker from now on.
  ObservedTask ViewLast(Task& task);
  void TellReady(uint64_t worker_id, absl::Time when);
  void Tell(const std::vector<Event>& events);

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return released_ || waiting_ < kMostWaiting / 2;
  }
  bool AllTold() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return waiting_ == 0;
  }

  const std::vector<PoolObserver*> observers_;
  std::vector<Event> gathered_;
  // Of each task that is leased, or was and has no outcome yet.
  std::unordered_map<uint64_t, uint64_t> worker_of_task_;
  std::unordered_map<uint64_t, Told> workers_;

  absl::Mutex mutex_;
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;

  // Last: what it runs uses the rest.
  CallbackThread thread_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_POOL_EVENTS_H_
