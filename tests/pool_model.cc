#include "tests/pool_model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace multiproc {
namespace {

// Something that was seen in one look may have happened before the end of the
// one before, and something else in the same turn of the pool: beyond so many
// looks the order of two things is certain.
constexpr uint64_t kCertain = 3;

struct NamedEnd {
  WorkerEnd end;
  absl::string_view name;
};
constexpr NamedEnd kEnds[] = {
    {&WorkerEnds::not_ready, "not_ready"},
    {&WorkerEnds::crashed, "crashed"},
    {&WorkerEnds::timed_out, "timed_out"},
    {&WorkerEnds::cancelled, "cancelled"},
    {&WorkerEnds::broken_channel, "broken_channel"},
    {&WorkerEnds::max_tasks, "max_tasks"},
    {&WorkerEnds::max_age, "max_age"},
    {&WorkerEnds::max_memory, "max_memory"},
    {&WorkerEnds::restarted, "restarted"},
    {&WorkerEnds::sigterm, "sigterm"},
    {&WorkerEnds::idle, "idle"},
    {&WorkerEnds::resized, "resized"},
    {&WorkerEnds::closed, "closed"},
    {&WorkerEnds::terminated, "terminated"},
};

struct NamedKind {
  PoolModel::Kind kind;
  uint64_t TaskCounts::*count;
  absl::string_view name;
};
constexpr NamedKind kKinds[] = {
    {PoolModel::Kind::kSucceeded, &TaskCounts::succeeded, "succeeded"},
    {PoolModel::Kind::kFailed, &TaskCounts::failed, "failed"},
    {PoolModel::Kind::kLost, &TaskCounts::lost, "lost"},
    {PoolModel::Kind::kCancelled, &TaskCounts::cancelled, "cancelled"},
    {PoolModel::Kind::kCutOff, &TaskCounts::cut_off, "cut_off"},
};

absl::string_view NameOf(PoolModel::Place place) {
  switch (place) {
    case PoolModel::Place::kQueued:
      return "queued";
    case PoolModel::Place::kSent:
      return "sent";
    case PoolModel::Place::kDying:
      return "with a dying worker";
    case PoolModel::Place::kRetrying:
      return "to be tried again";
    case PoolModel::Place::kDecided:
      break;
  }
  return "decided";
}

std::string ToString(const PoolModel::Outcome& outcome) {
  return absl::StrCat(kKinds[static_cast<size_t>(outcome.kind)].name, " with ",
                      absl::StatusCodeToString(outcome.code),
                      outcome.own_error ? " of its own" : "");
}

std::string ToString(const PoolModel::Task& task) {
  return absl::StrCat(
      "task ", task.id, " (priority ", task.spec.priority, ", attempt ",
      task.attempt, " of ", task.spec.max_attempts,
      task.spec.only == 0 ? "" : absl::StrCat(", only for ", task.spec.only),
      ") is ", NameOf(task.place), ", last seen at worker ", task.worker,
      task.begun ? ", begun" : "", task.cancelled ? ", cancelled" : "",
      task.place == PoolModel::Place::kDecided
          ? absl::StrCat(": ", ToString(task.outcome))
          : "");
}

bool Contains(const std::vector<WorkerEnd>& ends, WorkerEnd end) {
  return std::find(ends.begin(), ends.end(), end) != ends.end();
}

}  // namespace

void PoolModel::Violation(absl::string_view what) {
  if (violation_.empty()) violation_ = std::string(what);
}

void PoolModel::Expect(absl::string_view what, uint64_t is, uint64_t must_be) {
  if (is == must_be) return;
  Violation(absl::StrCat(what, " is ", is, ", and must be ", must_be));
}

// ---- What the program did ----

uint64_t PoolModel::Submitted(const TaskSpec& spec) {
  const uint64_t id = tasks_.size() + 1;
  Task& task = tasks_[id];
  task.id = id;
  task.spec = spec;
  task.since = num_looks_;
  open_.push_back(id);
  const auto only = workers_.find(spec.only);
  if (only != workers_.end() &&
      (only->second.ended || only->second.said_leaving)) {
    LosePinned(only->second);
  }
  return id;
}

bool PoolModel::IsUnbegun(const Task& task) const {
  return task.place != Place::kDecided && !task.begun;
}

// Of what the pool may not know yet, either answer is right.
void PoolModel::Cancelled(uint64_t id, bool returned) {
  Task& task = tasks_.at(id);
  if (task.place == Place::kDecided) {
    // A second call may come before the end of a worker that has it still.
    if (!returned || task.outcome.kind == Kind::kCancelled) return;
    const auto at = workers_.find(task.worker);
    const bool knows =
        at == workers_.end() ||
        !((at->second.ended && !at->second.gone) || at->second.said_leaving);
    if (knows)
      return Violation(absl::StrCat("Cancel says true: ", ToString(task)));
    if (task.outcome.kind == Kind::kFailed ||
        task.outcome.kind == Kind::kLost) {
      task.outcome = {Kind::kCancelled, absl::StatusCode::kCancelled};
    }
    return;
  }
  if (!returned && !(task.cancelled && task.spec.no_grace)) {
    return Violation(absl::StrCat("Cancel says false: ", ToString(task)));
  }
  task.cancelled = true;
  if (!task.begun) {
    Decide(task, {Kind::kCancelled, absl::StatusCode::kCancelled});
  }
}

void PoolModel::PendingCancelled(size_t returned) {
  size_t count = 0;
  for (const uint64_t id : open_) {
    Task& task = tasks_.at(id);
    if (!IsUnbegun(task)) continue;
    ++count;
    task.cancelled = true;
    Decide(task, {Kind::kCancelled, absl::StatusCode::kCancelled});
  }
  Expect("what CancelPending returned", returned, count);
}

void PoolModel::MayLeaveFor(Worker& worker, WorkerEnd reason) {
  if (worker.reason_is_fixed || worker.told_to_leave ||
      Contains(worker.may_leave, reason)) {
    return;
  }
  worker.may_leave.push_back(reason);
}

void PoolModel::Restarted(uint64_t last_certain, uint64_t last_possible) {
  for (auto& [id, worker] : workers_) {
    if (worker.gone || id > last_possible) continue;
    const bool is_first = worker.may_leave.empty() && id <= last_certain;
    MayLeaveFor(worker, &WorkerEnds::restarted);
    worker.reason_is_fixed = worker.reason_is_fixed || is_first;
  }
}

void PoolModel::MadeSmaller() {
  for (auto& [id, worker] : workers_) {
    MayLeaveFor(worker, &WorkerEnds::resized);
  }
}

void PoolModel::Closed() {
  closed_ = true;
  for (auto& [id, worker] : workers_) {
    MayLeaveFor(worker, &WorkerEnds::closed);
  }
}

void PoolModel::CutOff(absl::StatusCode code) {
  for (const uint64_t id : open_) {
    Task& task = tasks_.at(id);
    if (task.place == Place::kDecided) continue;
    const bool told = task.begun && task.cancelled;
    Decide(task, {Kind::kCutOff, told ? absl::StatusCode::kCancelled : code});
  }
  for (auto& [id, worker] : workers_) {
    if (worker.ended) continue;
    worker.ended = true;
    worker.ends = {&WorkerEnds::terminated};
  }
}

// ---- What a worker did ----

void PoolModel::Started(uint64_t id) {
  workers_[id].id = id;
  if (closed_) MayLeaveFor(workers_[id], &WorkerEnds::closed);
}

void PoolModel::Hello(uint64_t id) { workers_.at(id).ready = true; }

void PoolModel::Begun(uint64_t id) {
  Worker& worker = workers_.at(id);
  Task& task = tasks_.at(worker.sent[worker.begun]);
  ++worker.begun;
  if (task.place != Place::kSent) {
    Violation(absl::StrCat("worker ", id, " was let begin: ", ToString(task)));
  }
  task.begun = true;
}

bool PoolModel::MayRetry(const Task& task) const {
  return !task.cancelled && task.spec.only == 0 &&
         task.attempt < task.spec.max_attempts;
}

void PoolModel::TryAgain(Task& task, Place place) {
  ++task.attempt;
  ++num_retries_;
  task.begun = false;
  task.place = place;
}

void PoolModel::Decide(Task& task, Outcome outcome, bool kept) {
  task.place = Place::kDecided;
  task.outcome = outcome;
  task.kept = kept;
}

void PoolModel::Answered(uint64_t id, Answer answer, bool leaving, bool kept) {
  Worker& worker = workers_.at(id);
  Task& task = tasks_.at(worker.sent.front());
  worker.sent.pop_front();
  --worker.begun;
  ++worker.num_answered;
  ++num_answers_;
  const bool own = answer == Answer::kOwnError;
  if (answer == Answer::kValue) {
    Decide(task, {Kind::kSucceeded, absl::StatusCode::kOk}, kept);
  } else if (task.cancelled) {
    Decide(task, {Kind::kCancelled, absl::StatusCode::kCancelled}, kept);
  } else if (own && task.spec.retry_errors && MayRetry(task)) {
    TryAgain(task, Place::kRetrying);
    task.kept = kept;
  } else {
    Decide(
        task,
        {Kind::kFailed,
         own ? absl::StatusCode::kAborted : absl::StatusCode::kNotFound, own},
        kept);
  }
  if (options_.max_tasks_per_worker > 0 &&
      worker.num_answered >= options_.max_tasks_per_worker) {
    MayLeaveFor(worker, &WorkerEnds::max_tasks);
  }
  if (!leaving) return;
  MayLeaveFor(worker, &WorkerEnds::max_memory);
  worker.said_leaving = true;
  LosePinned(worker);
}

void PoolModel::Flushed(uint64_t id) {
  for (const uint64_t open : open_) {
    Task& task = tasks_.at(open);
    if (task.worker == id) task.kept = false;
  }
}

void PoolModel::LosePinned(const Worker& worker) {
  for (const uint64_t id : open_) {
    Task& task = tasks_.at(id);
    if (task.spec.only != worker.id || !IsUnbegun(task)) continue;
    task.worker = worker.id;
    Decide(task, {Kind::kLost, absl::StatusCode::kUnavailable});
  }
}

void PoolModel::LoseBegun(Worker& worker, absl::StatusCode code) {
  worker.begun_at_end = worker.begun;
  for (; worker.begun > 0; --worker.begun) {
    Task& task = tasks_.at(worker.sent.front());
    worker.sent.pop_front();
    if (task.cancelled) {
      Decide(task, {Kind::kCancelled, absl::StatusCode::kCancelled});
    } else if (MayRetry(task)) {
      TryAgain(task, Place::kDying);
      worker.retried.push_back(task.id);
    } else {
      Decide(task, {Kind::kLost, code});
    }
  }
}

void PoolModel::Ended(uint64_t id, absl::StatusCode code,
                      std::vector<WorkerEnd> ends) {
  Worker& worker = workers_.at(id);
  worker.ended = true;
  worker.ends = std::move(ends);
  Flushed(id);
  LoseBegun(worker, code);
  LosePinned(worker);
  for (const uint64_t sent : worker.sent) {
    Task& task = tasks_.at(sent);
    if (task.place == Place::kSent) task.place = Place::kDying;
  }
}

void PoolModel::KilledAtEnd(uint64_t id) {
  Worker& worker = workers_.at(id);
  if (!worker.ended || worker.gone) return;
  if (Contains(worker.ends, &WorkerEnds::cancelled)) return;
  worker.ends.push_back(&WorkerEnds::cancelled);
}

// ---- What was seen ----

void PoolModel::CheckRoom(const Worker& worker, const Task& task) {
  const bool pinned = task.spec.only != 0;
  const std::string what =
      absl::StrCat("worker ", worker.id, " was sent ", ToString(task), ", ");
  if (pinned && task.spec.only != worker.id) {
    Violation(absl::StrCat(what, "which is for another"));
  }
  if (!worker.ready && (!worker.sent.empty() ||
                        (!pinned && worker.id > options_.num_first_workers))) {
    Violation(absl::StrCat(what, "and is not ready"));
  }
  if (options_.max_leased_tasks > 0 &&
      worker.sent.size() >= options_.max_leased_tasks) {
    Violation(absl::StrCat(what, "and has enough"));
  }
  if (options_.max_tasks_per_worker > 0 && !pinned &&
      worker.num_answered + worker.sent.size() >=
          options_.max_tasks_per_worker) {
    Violation(absl::StrCat(what, "and has had all its tasks"));
  }
}

void PoolModel::CheckLease(const Worker& worker, const Task& task,
                           int attempt) {
  if (task.place != Place::kQueued && task.place != Place::kRetrying) {
    Violation(
        absl::StrCat("worker ", worker.id, " was sent what ", ToString(task)));
  }
  Expect(absl::StrCat("the attempt of task ", task.id),
         static_cast<uint64_t>(attempt), static_cast<uint64_t>(task.attempt));
  // Of one that has ended what it answered before may not have been read.
  if (!worker.ended) CheckRoom(worker, task);
  if (task.spec.only == 0) SuspectOrderIn(worker, task);
}

void PoolModel::Received(uint64_t id, uint64_t task_id, int attempt) {
  Worker& worker = workers_.at(id);
  Task& task = tasks_.at(task_id);
  CheckLease(worker, task, attempt);
  if (task.spec.only == 0) {
    Lease lease = {task_id, id, num_looks_ + 1, task.spec.priority,
                   task.position};
    lease.position.unknown |= task.place == Place::kRetrying;
    leases_.push_back(lease);
  }
  task.kept = false;
  task.worker = id;
  task.place = worker.ended ? Place::kDying : Place::kSent;
  worker.sent.push_back(task_id);
}

// Whether `task`, which is queued, stood before the one that was leased.
bool PoolModel::IsBefore(const Task& task, const Lease& lease) const {
  if (task.place != Place::kQueued || task.spec.only != 0 ||
      task.since + kCertain > lease.look) {
    return false;
  }
  if (task.spec.priority != lease.priority) {
    return task.spec.priority > lease.priority;
  }
  const Position& mine = task.position;
  const Position& its = lease.position;
  if (mine.unknown || its.unknown) return false;
  if (mine.came_back == 0) return its.came_back == 0 && task.id < lease.task;
  if (its.came_back == 0) return true;
  if (mine.batch == its.batch) return mine.index < its.index;
  return mine.came_back >= its.came_back + kCertain;
}

// In one pipe the order is there to see.
void PoolModel::SuspectOrderIn(const Worker& worker, const Task& task) {
  for (const Lease& lease : leases_) {
    if (lease.worker != worker.id || !IsBefore(task, lease)) continue;
    suspicions_.push_back(
        {task.id, worker.id, num_looks_ + 1,
         absl::StrCat("worker ", worker.id, " was sent task ", lease.task,
                      " of priority ", lease.priority, " before what ",
                      ToString(task))});
  }
}

// Before it came to where it was seen too late.
void PoolModel::WasElsewhere(uint64_t worker, uint64_t task) {
  suspicions_.erase(std::remove_if(suspicions_.begin(), suspicions_.end(),
                                   [=](const Suspicion& suspicion) {
                                     return suspicion.task == task &&
                                            suspicion.worker != worker;
                                   }),
                    suspicions_.end());
}

void PoolModel::CheckOrderOf(const Lease& lease) {
  for (const uint64_t id : open_) {
    const Task& task = tasks_.at(id);
    if (!IsBefore(task, lease)) continue;
    Violation(absl::StrCat("worker ", lease.worker, " was sent task ",
                           lease.task, " of priority ", lease.priority,
                           ", while ", ToString(task)));
  }
}

void PoolModel::Looked() {
  ++num_looks_;
  while (!leases_.empty() && leases_.front().look < num_looks_) {
    CheckOrderOf(leases_.front());
    leases_.pop_front();
  }
  for (const Suspicion& suspicion : suspicions_) {
    if (suspicion.look < num_looks_) Violation(suspicion.what);
  }
}

void PoolModel::PutBack(const std::vector<uint64_t>& tasks) {
  ++num_batches_;
  for (size_t i = 0; i < tasks.size(); ++i) {
    Task& task = tasks_.at(tasks[i]);
    if (task.place == Place::kDecided) continue;
    task.place = Place::kQueued;
    task.since = num_looks_;
    task.position = {num_looks_ + 1, num_batches_, i, false};
  }
}

void PoolModel::TakenBack(uint64_t id) {
  Worker& worker = workers_.at(id);
  const auto unbegun =
      worker.sent.begin() + static_cast<ptrdiff_t>(worker.begun);
  const std::vector<uint64_t> tasks(unbegun, worker.sent.end());
  worker.sent.erase(unbegun, worker.sent.end());
  for (const uint64_t task : tasks) WasElsewhere(id, task);
  PutBack(tasks);
}

void PoolModel::ToldToLeave(uint64_t id, bool dismissed) {
  Worker& worker = workers_.at(id);
  worker.told_to_leave = true;
  if (worker.ended) return;
  if (!dismissed) {
    Violation(absl::StrCat("worker ", id, " is cut off for nothing"));
  }
  if (!worker.sent.empty()) {
    Violation(absl::StrCat("worker ", id, " was told to leave, and has what ",
                           ToString(tasks_.at(worker.sent.front()))));
  }
  if (worker.may_leave.empty()) {
    Violation(absl::StrCat("worker ", id, " was told to leave for nothing"));
  }
}

void PoolModel::Gone(uint64_t id, bool dismissed) {
  Worker& worker = workers_.at(id);
  worker.gone = true;
  ++num_gone_;
  std::vector<uint64_t> again = std::move(worker.retried);
  for (const uint64_t sent : worker.sent) {
    if (tasks_.at(sent).place == Place::kDying) again.push_back(sent);
  }
  worker.sent.clear();
  if (dismissed) {
    if (worker.begun_at_end > 0 || !again.empty()) {
      Violation(absl::StrCat("worker ", id, " was told to leave with tasks"));
    }
    if (worker.may_leave.empty()) {
      Violation(absl::StrCat("worker ", id, " was told to leave for nothing"));
    }
    worker.ends = worker.may_leave;
  }
  PutBack(again);
}

void PoolModel::Observed(uint64_t id, const Outcome& outcome) {
  Task& task = tasks_.at(id);
  if (task.place != Place::kDecided || task.outcome.code != outcome.code ||
      task.outcome.own_error != outcome.own_error) {
    return Violation(absl::StrCat(
        "an outcome of ", absl::StatusCodeToString(outcome.code),
        outcome.own_error ? " of its own" : "", ", where ", ToString(task)));
  }
  task.observed = true;
  ++num_observed_[task.outcome.kind];
  open_.erase(std::find(open_.begin(), open_.end(), id));
}

// ---- Numbers ----

void PoolModel::CheckConsistent(const PoolStats& stats) {
  const TaskCounts& tasks = stats.tasks;
  Expect("tasks.submitted", tasks.submitted, tasks_.size());
  Expect("tasks.refused", tasks.refused, num_refused_);
  Expect("ended and pending tasks", tasks.Ended() + tasks.Pending(),
         tasks.submitted);
  Expect("latency.count", stats.latency.count(), tasks.Ended());
  Expect("workers present and gone",
         stats.each_worker.size() + stats.worker_ends.Total(),
         stats.workers.started);
  const WorkerCounts& workers = stats.workers;
  Expect("workers in all states",
         workers.starting + workers.idle + workers.busy + workers.spare +
             workers.leaving,
         stats.each_worker.size());
  uint64_t leased = 0;
  for (const WorkerStats& worker : stats.each_worker) {
    leased += worker.tasks_leased;
  }
  Expect("leased tasks of all workers", leased, tasks.leased);
}

void PoolModel::CheckSettled(const PoolStats& stats) {
  for (const NamedKind& kind : kKinds) {
    Expect(absl::StrCat("tasks.", kind.name), stats.tasks.*kind.count,
           num_observed_[kind.kind]);
  }
  Expect("tasks.Pending()", stats.tasks.Pending(), num_undecided());
  Expect("tasks.retries", stats.tasks.retries, num_retries_);
  Expect("run_time.count", stats.run_time.count(), num_answers_);
  Expect("workers.started", stats.workers.started, workers_.size());
  Expect("worker_ends.Total()", stats.worker_ends.Total(), num_gone_);
  CheckEnds(stats.worker_ends);
  for (const WorkerStats& worker : stats.each_worker) CheckWorker(worker);
}

void PoolModel::CheckEnds(const WorkerEnds& ends) {
  for (const NamedEnd& end : kEnds) {
    uint64_t least = 0;
    uint64_t most = 0;
    for (const auto& [id, worker] : workers_) {
      if (!worker.gone || !Contains(worker.ends, end.end)) continue;
      ++most;
      if (worker.ends.size() == 1) ++least;
    }
    if (ends.*end.end < least || ends.*end.end > most) {
      Violation(absl::StrCat("worker_ends.", end.name, " is ", ends.*end.end,
                             ", and must be from ", least, " to ", most));
    }
  }
}

void PoolModel::CheckWorker(const WorkerStats& stats) {
  const auto found = workers_.find(stats.id);
  if (found == workers_.end() || found->second.gone) {
    return Violation(absl::StrCat("there is no worker ", stats.id));
  }
  const Worker& worker = found->second;
  const std::string of = absl::StrCat(" of worker ", stats.id);
  Expect("tasks_done" + of, stats.tasks_done, worker.num_answered);
  Expect("running_task_id" + of, stats.running_task_id,
         worker.begun == 0 ? 0 : worker.sent.front());
  if (stats.tasks_leased < worker.begun) {
    Violation(absl::StrCat("tasks_leased", of, " is ", stats.tasks_leased));
  }
  if (worker.told_to_leave && stats.state != WorkerState::kLeaving) {
    Violation(absl::StrCat("the state", of, " is not leaving"));
  }
  if (!worker.ready && stats.state != WorkerState::kStarting &&
      stats.state != WorkerState::kLeaving) {
    Violation(absl::StrCat("the state", of, " is not starting"));
  }
}

// ---- What is known ----

size_t PoolModel::num_undecided() const {
  return static_cast<size_t>(std::count_if(
      open_.begin(), open_.end(),
      [this](uint64_t id) { return tasks_.at(id).place != Place::kDecided; }));
}

bool PoolModel::KillIsDue(uint64_t id) const {
  const Worker& worker = workers_.at(id);
  if (worker.ended || worker.begun == 0) return false;
  const Task& task = tasks_.at(worker.sent.front());
  return task.cancelled && task.spec.no_grace;
}

bool PoolModel::SomeoneIsDying() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& each) {
    return each.second.ended && !each.second.gone;
  });
}

std::string PoolModel::OpenTasks() const {
  std::string text;
  for (const uint64_t id : open_) {
    absl::StrAppend(&text, "  ", ToString(tasks_.at(id)), "\n");
  }
  return text;
}

std::string PoolModel::Workers() const {
  std::string text;
  for (const auto& [id, worker] : workers_) {
    if (worker.gone) continue;
    absl::StrAppend(&text, "  worker ", id, worker.ready ? "" : ", not ready",
                    worker.said_leaving ? ", wants to leave" : "",
                    worker.told_to_leave ? ", told to leave" : "",
                    worker.reason_is_fixed ? ", to be replaced" : "",
                    worker.ended ? ", has ended" : "", ", has answered ",
                    worker.num_answered, ", was sent ", worker.sent.size(),
                    ", has begun ", worker.begun, "\n");
  }
  return text;
}

}  // namespace multiproc
