// What a ProcessPool promises of tasks and workers (docs/states.md), as plainly
// as it can be said: maps and vectors, one thread, no clock. A test tells it
// what it did and what it saw; the model says whether that may be, and what
// must become of each task.
//
//   PoolModel model(options);
//   model.Started(1);
//   const uint64_t id = model.Submitted(spec);
//   model.Hello(1);
//   model.Received(1, id, /*attempt=*/1);   // what came in worker 1's pipe
//   model.Begun(1);
//   model.Answered(1, PoolModel::Answer::kValue, /*leaving=*/false,
//                  /*kept=*/false);
//   model.Observed(id, outcome);            // what its future says
//   if (!model.violation().empty()) ...     // the pool has broken a promise
//
// A pool acts when it likes. So the model moves a task on when that is *seen*:
// a request, or a TakeBack, in a worker's pipe, a worker's end, an outcome. In
// between it knows bounds: of the order of two tasks, say, only what follows
// from what was seen before.
//
// Not thread-safe.

#ifndef MULTIPROC_TESTS_POOL_MODEL_H_
#define MULTIPROC_TESTS_POOL_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multiproc/pool/pool_stats.h"

namespace multiproc {

class PoolModel {
 public:
  struct Options {
    // These take a task before they are ready; later ones don't.
    uint64_t num_first_workers = 1;
    // As of ProcessPoolOptions; 0 for any number.
    size_t max_leased_tasks = 0;
    uint64_t max_tasks_per_worker = 0;
  };

  // ---- Tasks ----

  enum class Kind { kSucceeded, kFailed, kLost, kCancelled, kCutOff };
  struct Outcome {
    Kind kind;
    absl::StatusCode code;
    // Whether IsTaskError holds.
    bool own_error = false;
  };

  enum class Place {
    // No worker has it, as far as was seen.
    kQueued,
    // The request is in a worker's pipe.
    kSent,
    // Its worker has ended, and the pool has not settled that yet.
    kDying,
    // Its worker has answered by an error for which it is tried again, and it
    // was not seen since.
    kRetrying,
    // It has, or must get, `outcome`.
    kDecided,
  };

  struct TaskSpec {
    int priority = 0;
    int max_attempts = 1;
    bool retry_errors = false;
    // Whether its cancel_grace is zero; infinite otherwise.
    bool no_grace = false;
    // The only worker that may run it, or 0.
    uint64_t only = 0;
  };

  // Where it is in the queue: of one priority those that came back stand before
  // those that were never sent, and what came back later before the rest. 0
  // for never; else when that was seen. Of those of one batch the order is
  // known.
  struct Position {
    uint64_t came_back = 0;
    uint64_t batch = 0;
    size_t index = 0;
    bool unknown = false;
  };

  struct Task {
    uint64_t id = 0;
    TaskSpec spec;
    Place place = Place::kQueued;
    int attempt = 1;
    // Where it was seen last, or 0.
    uint64_t worker = 0;
    bool begun = false;
    bool cancelled = false;
    // Of kDecided.
    Outcome outcome = {Kind::kLost, absl::StatusCode::kOk};
    // Whether it is in the journal only, where the pool need not look.
    bool kept = false;
    bool observed = false;
    // In which look the task was put to where it is.
    uint64_t since = 0;
    Position position;
  };

  // ---- Workers ----

  struct Worker {
    uint64_t id = 0;
    bool ready = false;
    bool said_leaving = false;
    // It has found the end of its requests.
    bool told_to_leave = false;
    // It is dead or as good as dead; and the pool has settled that.
    bool ended = false;
    bool gone = false;
    // What is in its pipe, in order; so many of it are begun.
    std::deque<uint64_t> sent;
    size_t begun = 0;
    uint64_t num_answered = 0;
    // Of an ended one: how many it had begun, and which of these are to run
    // again.
    size_t begun_at_end = 0;
    std::vector<uint64_t> retried;
    // What it may be told to leave for, and what it may have ended of
    // otherwise; once it is gone, what it has ended of.
    std::vector<WorkerEnd> may_leave;
    std::vector<WorkerEnd> ends;
    // Whether may_leave can't become more.
    bool reason_is_fixed = false;
  };

  explicit PoolModel(const Options& options) : options_(options) {}

  // The first promise that was broken, or nothing.
  const std::string& violation() const { return violation_; }
  void Violation(absl::string_view what);

  // ---- What the program did ----

  uint64_t Submitted(const TaskSpec& spec);
  void Refused() { ++num_refused_; }
  // Future::Cancel has returned that.
  void Cancelled(uint64_t task, bool returned);
  // CancelPending has; no worker may have ended that is not gone, and no
  // answer be kept.
  void PendingCancelled(size_t returned);
  // RestartWorkers, where the workers up to the one number were there, and up
  // to the other may have been; Resize to fewer; Close.
  void Restarted(uint64_t last_certain, uint64_t last_possible);
  void MadeSmaller();
  void Closed();
  // All that is undecided ends so: Terminate, or the pool's failure. `code` is
  // that of the reason.
  void CutOff(absl::StatusCode code);

  // ---- What a worker did ----

  void Started(uint64_t worker);
  void Hello(uint64_t worker);
  void Begun(uint64_t worker);
  enum class Answer { kValue, kOwnError, kForeignError };
  // `kept` if it is only in the journal, until Flushed.
  void Answered(uint64_t worker, Answer answer, bool leaving, bool kept);
  void Flushed(uint64_t worker);
  // It died, or does nothing more: what it has begun ends with `code`, if it is
  // not tried again. It counts as one of `ends`, if it was not told to leave.
  void Ended(uint64_t worker, absl::StatusCode code,
             std::vector<WorkerEnd> ends);
  // If that was so, it may be killed for a task all the same.
  void KilledAtEnd(uint64_t worker);

  // ---- What was seen ----

  // In the worker's pipe; for a task that is with another, or decided, and is
  // taken back from this one behind it, WasElsewhere.
  void Received(uint64_t worker, uint64_t task, int attempt);
  void WasElsewhere(uint64_t worker, uint64_t task);
  void TakenBack(uint64_t worker);
  void ToldToLeave(uint64_t worker, bool dismissed);
  // The pool has collected its process.
  void Gone(uint64_t worker, bool dismissed);
  // The future's.
  void Observed(uint64_t task, const Outcome& outcome);
  // All pipes were looked at, after a call of Stats.
  void Looked();
  // At any moment.
  void CheckConsistent(const PoolStats& stats);
  // While all that is decided was observed, nothing is kept, and all who have
  // ended are gone.
  void CheckSettled(const PoolStats& stats);

  // ---- What is known ----

  const Task& task(uint64_t id) const { return tasks_.at(id); }
  const Worker& worker(uint64_t id) const { return workers_.at(id); }
  bool has_task(uint64_t id) const { return tasks_.count(id) > 0; }
  // Those that have no outcome yet, or one that was not observed.
  const std::vector<uint64_t>& open_tasks() const { return open_; }
  size_t num_undecided() const;
  uint64_t num_retries() const { return num_retries_; }
  size_t num_gone() const { return num_gone_; }
  // Whether the pool is about to kill it: a task without grace was cancelled.
  bool KillIsDue(uint64_t worker) const;
  // Whether a worker has ended that is not gone.
  bool SomeoneIsDying() const;
  // One line on each task that is open, and on each worker that is there.
  std::string OpenTasks() const;
  std::string Workers() const;

 private:
  // A task that was sent, as it stood in the queue before.
  struct Lease {
    uint64_t task;
    uint64_t worker;
    // The look in which it was seen.
    uint64_t look;
    int priority;
    Position position;
  };

  // One task was sent after another that it stood before: unless it turns out
  // that it was elsewhere meanwhile.
  struct Suspicion {
    uint64_t task;
    uint64_t worker;
    uint64_t look;
    std::string what;
  };

  bool MayRetry(const Task& task) const;
  void TryAgain(Task& task, Place place);
  void Decide(Task& task, Outcome outcome, bool kept = false);
  void LoseBegun(Worker& worker, absl::StatusCode code);
  // What only `worker` may run, and it will never begin.
  void LosePinned(const Worker& worker);
  void PutBack(const std::vector<uint64_t>& tasks);
  void CheckLease(const Worker& worker, const Task& task, int attempt);
  void CheckRoom(const Worker& worker, const Task& task);
  void SuspectOrderIn(const Worker& worker, const Task& task);
  void CheckOrderOf(const Lease& lease);
  bool IsBefore(const Task& task, const Lease& lease) const;
  void MayLeaveFor(Worker& worker, WorkerEnd reason);
  bool IsUnbegun(const Task& task) const;
  void CheckWorker(const WorkerStats& stats);
  void CheckEnds(const WorkerEnds& ends);
  void Expect(absl::string_view what, uint64_t is, uint64_t must_be);

  const Options options_;
  std::string violation_;
  std::map<uint64_t, Task> tasks_;
  std::map<uint64_t, Worker> workers_;
  // In the order of submission.
  std::vector<uint64_t> open_;
  // The latest.
  std::deque<Lease> leases_;
  std::vector<Suspicion> suspicions_;
  uint64_t num_looks_ = 0;
  uint64_t num_batches_ = 0;
  uint64_t num_refused_ = 0;
  uint64_t num_retries_ = 0;
  uint64_t num_answers_ = 0;
  size_t num_gone_ = 0;
  std::map<Kind, uint64_t> num_observed_;
  bool closed_ = false;
};

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_POOL_MODEL_H_
