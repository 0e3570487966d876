#include "multiproc/pool/pool_events.h"

#include <algorithm>
#include <utility>

#include "multiproc/executors/monotonic_clock.h"

namespace multiproc {

std::unique_ptr<PoolEvents> PoolEvents::For(
    const std::vector<PoolObserver*>& observers) {
  std::vector<PoolObserver*> present = observers;
  present.erase(std::remove(present.begin(), present.end(), nullptr),
                present.end());
  if (present.empty()) return nullptr;
  return std::unique_ptr<PoolEvents>(new PoolEvents(std::move(present)));
}

ObservedTask PoolEvents::View(Task& task) const {
  ObservedTask view;
  view.id = task.id;
  view.function = task.function();
  view.label = std::string(task.label());
  view.items = task.count();
  view.attempt = task.attempt;
  view.argument_bytes = task.argument_bytes();
  const auto worker = worker_of_task_.find(task.id);
  if (worker != worker_of_task_.end()) view.worker_id = worker->second;
  return view;
}

ObservedTask PoolEvents::ViewLast(Task& task) {
  ObservedTask view = View(task);
  worker_of_task_.erase(task.id);
  return view;
}

// ---- Tasks ----

void PoolEvents::Submitted(Task& task) {
  const absl::Time when =
      absl::UnixEpoch() + absl::Nanoseconds(task.submit_time_ns());
  gathered_.push_back([when, view = View(task)](PoolObserver& observer) {
    observer.OnSubmitted(when, view);
  });
}

void PoolEvents::Leased(WorkerProcess& worker, size_t first) {
  const absl::Time when = MonotonicNow();
  for (size_t i = first; i < worker.num_leases(); ++i) {
    Task& task = *worker.leases()[i];
    worker_of_task_[task.id] = worker.id();
    gathered_.push_back([when, view = View(task)](PoolObserver& observer) {
      observer.OnLeased(when, view);
    });
  }
}

void PoolEvents::TakenBack(const std::vector<TaskPtr>& tasks) {
  const absl::Time when = MonotonicNow();
  for (const TaskPtr& task : tasks) {
    gathered_.push_back([when, view = ViewLast(*task)](PoolObserver& observer) {
      observer.OnTakenBack(when, view);
    });
  }
}

void PoolEvents::Answered(Task& task, const TaskResponse& response,
                          const absl::Status& error) {
  const absl::Time when = MonotonicNow();
  ObservedTask view = View(task);
  TellReady(view.worker_id, when);
  TaskRun run;
  // A worker may say anything.
  const auto now = static_cast<uint64_t>(absl::ToUnixNanos(when));
  run.time = absl::Nanoseconds(
      static_cast<int64_t>(std::min(response.run_time_ns(), now)));
  run.start = absl::FromUnixNanos(
      static_cast<int64_t>(std::min(response.start_time_ns(), now)));
  if (response.start_time_ns() == 0 || response.start_time_ns() > now) {
    run.start = when - run.time;
  }
  run.status = error;
  gathered_.push_back(
      [when, view = std::move(view), run](PoolObserver& observer) {
        observer.OnAnswered(when, view, run);
      });
}

void PoolEvents::Retried(Task& task) {
  gathered_.push_back(
      [when = MonotonicNow(), view = ViewLast(task)](PoolObserver& observer) {
        observer.OnRetried(when, view);
      });
}

void PoolEvents::Ended(Task& task, TaskOutcome outcome,
                       const absl::Status& status) {
  gathered_.push_back([when = MonotonicNow(), view = ViewLast(task), outcome,
                       status](PoolObserver& observer) {
    observer.OnEnded(when, view, outcome, status);
  });
}

// ---- Workers ----

void PoolEvents::WorkerStarted(const WorkerProcess& worker) {
  workers_[worker.id()].pid = worker.pid();
  gathered_.push_back(
      [when = worker.started_at(),
       view = ObservedWorker{worker.id(), worker.pid()}](
          PoolObserver& observer) { observer.OnWorkerStarted(when, view); });
}

void PoolEvents::TellReady(uint64_t worker_id, absl::Time when) {
  Told& told = workers_[worker_id];
  if (std::exchange(told.ready, true)) return;
  gathered_.push_back(
      [when, view = ObservedWorker{worker_id, told.pid}](
          PoolObserver& observer) { observer.OnWorkerReady(when, view); });
}

void PoolEvents::Look(const WorkerProcess& worker) {
  Told& told = workers_[worker.id()];
  if (worker.ready() && !told.ready) TellReady(worker.id(), MonotonicNow());
  if (!worker.killed() || std::exchange(told.killed, true)) return;
  gathered_.push_back([when = MonotonicNow(),
                       view = ObservedWorker{worker.id(), worker.pid()},
                       reason = worker.kill_reason()](PoolObserver& observer) {
    observer.OnWorkerKilled(when, view, reason);
  });
}

void PoolEvents::WorkerEnded(const WorkerProcess& worker, WorkerEnd cause,
                             const ExitStatus& exit_status) {
  Look(worker);
  workers_.erase(worker.id());
  gathered_.push_back([when = MonotonicNow(),
                       view = ObservedWorker{worker.id(), worker.pid()}, cause,
                       exit_status](PoolObserver& observer) {
    observer.OnWorkerEnded(when, view, cause, exit_status);
  });
}

// ---- The way to the observers ----

void PoolEvents::Deliver() {
  if (gathered_.empty()) return;
  auto events = std::make_shared<std::vector<Event>>();
  events->swap(gathered_);
  {
    absl::MutexLock lock(&mutex_);
    if (shut_down_) return;
    waiting_ += events->size();
  }
  thread_.Post([this, events] { Tell(*events); });
}

void PoolEvents::Tell(const std::vector<Event>& events) {
  for (const Event& event : events) {
    for (PoolObserver* observer : observers_) event(*observer);
  }
  {
    absl::MutexLock lock(&mutex_);
    // Those of this call count until OnCaughtUp has returned.
    if (waiting_ > events.size()) {
      waiting_ -= events.size();
      return;
    }
  }
  for (PoolObserver* observer : observers_) observer->OnCaughtUp();
  absl::MutexLock lock(&mutex_);
  waiting_ -= events.size();
}

void PoolEvents::AwaitRoom() {
  absl::MutexLock lock(&mutex_);
  if (waiting_ < kMostWaiting) return;
  mutex_.Await(absl::Condition(this, &PoolEvents::HasRoom));
}

void PoolEvents::AwaitAllTold() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &PoolEvents::AllTold));
}

void PoolEvents::Release() {
  absl::MutexLock lock(&mutex_);
  released_ = true;
}

void PoolEvents::Shutdown() {
  {
    absl::MutexLock lock(&mutex_);
    shut_down_ = true;
  }
  thread_.Shutdown();
}

}  // namespace multiproc
