// A whole pool against a plain model of what it promises (pool_model.h): the
// real loop, channels and shared memory, with workers whose ends one thread
// holds. It draws one step after the other, and after each the model says what
// may be seen, and what must be.
//
//   --model_steps=1000000    more than by default
//   --model_seed=7           the draws of an earlier run; what the pool's own
//                            threads do meanwhile is theirs
//
// A failure shows the seed, the episode, which is one pool, and its last steps.

#include "tests/pool_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/process_pool.h"
#include "tests/scripted_worker.h"

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || \
    defined(ABSL_HAVE_THREAD_SANITIZER) || defined(_WIN32)
constexpr uint64_t kDefaultSteps = 30'000;
#else
constexpr uint64_t kDefaultSteps = 120'000;
#endif

ABSL_FLAG(uint64_t, model_steps, kDefaultSteps, "how many steps are drawn");
ABSL_FLAG(uint64_t, model_seed, 1, "what they are drawn from; 0: at random");

namespace multiproc {
namespace {

// Never called: the scripted workers answer in its place.
std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

constexpr size_t kStepsShown = 50;
constexpr size_t kStepsOfAnEpisode = 400;
// Each takes three descriptors until the episode ends.
constexpr size_t kMostWorkers = 60;
constexpr size_t kMostOpenTasks = 24;
// The pool gives up after as many as it has workers and 4.
constexpr int kMostFailedStarts = 4;

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  // From 0 to `end` - 1.
  size_t Below(size_t end) { return static_cast<size_t>(engine_() % end); }
  int From(int first, int last) {
    return first +
           static_cast<int>(Below(static_cast<size_t>(last - first) + 1));
  }
  bool Percent(size_t percent) { return Below(100) < percent; }
  template <typename T>
  T& Of(std::vector<T>& all) {
    return all[Below(all.size())];
  }

 private:
  std::mt19937_64 engine_;
};

// What a task's callbacks have heard, and what they must.
struct Listener {
  absl::Mutex mutex;
  std::vector<std::string> heard ABSL_GUARDED_BY(mutex);
  int num_outcomes ABSL_GUARDED_BY(mutex) = 0;
  std::vector<std::string> said;
};

struct Given {
  Future<std::string> future;
  std::string text;
  std::shared_ptr<Listener> listener;
};

// The driver's hold on a worker.
struct Hand {
  struct Event {
    ScriptedWorker::Polled what;
    TaskRequest request;
  };

  uint64_t id = 0;
  std::shared_ptr<ScriptedWorker> worker;
  // Between what it does and the pool's kill: a dead worker does nothing.
  absl::Mutex mutex;
  bool killed ABSL_GUARDED_BY(mutex) = false;
  // What it runs; whether it ends that in the moment before a kill, and would
  // begin the next, if it had one; and what came of it.
  std::optional<TaskRequest> running ABSL_GUARDED_BY(mutex);
  bool goes_on_at_kill ABSL_GUARDED_BY(mutex) = false;
  bool answered_at_kill ABSL_GUARDED_BY(mutex) = false;
  bool begun_at_kill ABSL_GUARDED_BY(mutex) = false;
  // What was read from its pipe, and not looked at.
  std::deque<Event> unread;
  uint64_t num_handled = 0;
  uint64_t num_taken_back = 0;
  // As in the model's `sent`.
  std::deque<TaskRequest> requests;
  bool at_end = false;
  bool exited = false;
  // A task that it had begun was cancelled, and has no grace.
  bool may_be_killed = false;
  // Its end is being looked at; and the first request that is unread is, so
  // many times.
  bool is_settling = false;
  int num_reading = 0;

  // With the mutex.
  void Run(const TaskRequest& request) {
    mutex.AssertHeld();
    running = request;
  }
  void Rest() {
    mutex.AssertHeld();
    running = std::nullopt;
    goes_on_at_kill = false;
  }

  size_t KeptBytes() {
    absl::MutexLock lock(&mutex);
    return worker->KeptBytes();
  }

  // On the thread that kills it.
  void BeforeKill() {
    absl::MutexLock lock(&mutex);
    killed = true;
    if (!goes_on_at_kill || !running.has_value()) return;
    worker->Keep(ResponseTo(*running));
    answered_at_kill = true;
    begun_at_kill = worker->Begin();
  }
};

class Episode {
 public:
  explicit Episode(uint64_t seed) : dice_(seed) { MakePool(); }
  ~Episode() {
    if (pool_ != nullptr) pool_->Terminate();
    pool_ = nullptr;
  }

  // Up to `most` steps, and an end; how many steps. Stops at a violation.
  size_t Run(size_t most);

  const std::string& violation() const { return model_->violation(); }
  std::string LastSteps() const;

 private:
  const PoolModel::Task& TaskOf(uint64_t id) const { return model_->task(id); }
  const PoolModel::Worker& WorkerOf(const Hand& hand) const {
    return model_->worker(hand.id);
  }
  bool IsAlive(const Hand& hand) const { return !WorkerOf(hand).ended; }
  bool ok() const { return model_->violation().empty(); }
  void Violation(absl::string_view what) { model_->Violation(what); }
  template <typename... Args>
  void Log(const Args&... args) {
    if (steps_.size() == kStepsShown) steps_.pop_front();
    steps_.push_back(absl::StrCat(args...));
  }
  // Calls `done` until it is true, or for too long: then `what` is missing.
  void WaitUntil(absl::string_view what, const std::function<bool()>& done);

  void DrawPoolOptions();
  void MakePool();
  void Step();
  void StepOfAWorker(Hand& hand);
  Hand* PickAlive();

  // ---- What workers do ----
  template <typename F>
  bool Act(Hand& hand, F act);
  void SayHello(Hand& hand);
  bool Begin(Hand& hand);
  void AwaitTakeBack(Hand& hand);
  void Answer(Hand& hand, bool in_order);
  void FlushSome(Hand& hand);
  void Flush(Hand& hand);
  void SayProgress(Hand& hand);
  bool MayDie(Hand& hand);
  std::vector<WorkerEnd> EndsOf(const Hand& hand, WorkerEnd end) const;
  void Exit(Hand& hand);
  void WriteGarbage(Hand& hand);
  void CloseChannel(Hand& hand);
  void Serve(Hand& hand);

  // ---- What the program does ----
  TaskOptions DrawOptions(PoolModel::TaskSpec* spec);
  void Submit();
  void SubmitTo();
  void Take(const PoolModel::TaskSpec& spec, Given given);
  bool IsRefused(const Future<std::string>& future, absl::StatusCode code);
  bool SomeoneMayBeKilled() const;
  bool WasFull(const Future<std::string>& future);
  uint64_t DrawOpenTask();
  bool MayCancel(const PoolModel::Task& task);
  void Cancel();
  void CancelPending();
  void Resize();
  void Restart();
  void Peek();

  // ---- What is seen ----
  void Adopt();
  void ReadAll(Hand& hand);
  void Handle(Hand& hand);
  void HandleAll(Hand& hand);
  void HandleRequest(Hand& hand);
  bool IsFree(uint64_t task) const;
  void TryToFree(uint64_t task, const Hand& but);
  bool IsTakenBackLater(Hand& hand);
  void UpdateEnds();
  void HandleKill(Hand& hand);
  void HandleLastActs(Hand& hand);
  void HandleGone(Hand& hand);
  void Look();
  void LookAtOutcomes();
  void CheckOutcome(uint64_t task);
  void CheckFailure(const absl::Status& status, const PoolModel::Task& task);
  void WaitForGone(Hand& hand);

  // ---- Long steps ----
  void Settle();
  bool SettleOnce();
  void Drain(const Hand* stuck);
  bool IsDrained(const Hand* stuck) const;
  void Rest();
  bool IsAtRest(const PoolStats& stats) const;

  // ---- Ends ----
  void CloseAtEnd();
  void TerminateAtEnd();
  void FailAtEnd();
  void BreakAtEnd();
  bool HasFailed();
  void Join(absl::StatusCode code);
  void CheckListeners();

  Dice dice_;
  std::deque<std::string> steps_;
  std::string pool_line_;
  ProcessPoolOptions options_;
  int num_workers_ = 0;
  absl::Duration run_time_;
  bool exits_are_timed_ = false;
  // Before the pool, whose end still kills workers.
  std::deque<std::unique_ptr<Hand>> hands_;
  ScriptedExecutor executor_;
  std::unique_ptr<PoolModel> model_;
  std::unique_ptr<ProcessPool> pool_;
  std::map<uint64_t, Given> given_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  uint64_t num_texts_ = 0;
  int failed_starts_ = 0;
  // Whether the pool is to fail, and kills all workers then.
  bool fails_ = false;
};

void Episode::WaitUntil(absl::string_view what,
                        const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + kScriptPatience;
  while (ok() && !done()) {
    if (absl::Now() > deadline) {
      Violation(absl::StrCat("waited in vain: ", what));
    }
    std::this_thread::yield();
  }
}

void Episode::DrawPoolOptions() {
  options_.num_workers = num_workers_ = dice_.From(1, 4);
  if (dice_.Percent(20)) options_.min_workers = dice_.From(0, num_workers_);
  if (dice_.Percent(15)) options_.spare_workers = 1;
  if (dice_.Percent(70)) options_.max_leased_tasks = dice_.From(1, 6);
  if (dice_.Percent(30)) options_.max_tasks_per_worker = dice_.From(2, 20);
  options_.max_attempts = dice_.From(1, 3);
  if (dice_.Percent(20)) {
    options_.max_pending = static_cast<size_t>(dice_.From(4, 12));
    options_.when_full = WhenFull::kReject;
  }
  exits_are_timed_ = dice_.Percent(15);
  options_.worker_exit_timeout =
      exits_are_timed_ ? absl::Milliseconds(2) : absl::InfiniteDuration();
  options_.worker_start_timeout = absl::InfiniteDuration();
  options_.frame_timeout = absl::InfiniteDuration();
  options_.executor = &executor_;
  run_time_ = dice_.Percent(50) ? absl::Microseconds(1) : absl::Milliseconds(1);
  pool_line_ = absl::StrCat(
      "The pool: ", num_workers_, " workers, at least ", options_.min_workers,
      ", spare ", options_.spare_workers, ", leased ",
      options_.max_leased_tasks, ", tasks ", options_.max_tasks_per_worker,
      ", attempts ", options_.max_attempts, ", pending ", options_.max_pending,
      ", exit timeout ", absl::FormatDuration(options_.worker_exit_timeout),
      ", run time ", absl::FormatDuration(run_time_));
}

void Episode::MakePool() {
  DrawPoolOptions();
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options_);
  PoolModel::Options model;
  model.num_first_workers = static_cast<uint64_t>(
      options_.min_workers < 0 ? num_workers_ : options_.min_workers);
  model.max_leased_tasks = static_cast<size_t>(options_.max_leased_tasks);
  model.max_tasks_per_worker =
      static_cast<uint64_t>(options_.max_tasks_per_worker);
  model_ = std::make_unique<PoolModel>(model);
  if (!pool.ok()) return Violation(pool.status().ToString());
  pool_ = *std::move(pool);
}

// ---- What workers do ----

template <typename F>
bool Episode::Act(Hand& hand, F act) {
  absl::MutexLock lock(&hand.mutex);
  if (hand.killed || hand.worker->killed()) return false;
  act();
  return true;
}

void Episode::SayHello(Hand& hand) {
  if (WorkerOf(hand).ready || hand.at_end) return;
  Log("worker ", hand.id, ": Hello");
  if (Act(hand, [&] { hand.worker->SayHello(); })) model_->Hello(hand.id);
}

// Whether it begins the next of its tasks, if it has one.
bool Episode::Begin(Hand& hand) {
  const PoolModel::Worker& worker = WorkerOf(hand);
  if (!worker.ready || worker.said_leaving || hand.at_end) return false;
  if (worker.begun > 0 || hand.requests.empty()) return false;
  bool begun = false;
  const bool done = Act(hand, [&] {
    begun = hand.worker->Begin();
    if (begun) hand.Run(hand.requests.front());
  });
  if (!done) return false;
  Log("worker ", hand.id, begun ? ": begins " : ": is not let begin ",
      hand.requests.front().task_id());
  if (begun) {
    model_->Begun(hand.id);
  } else {
    AwaitTakeBack(hand);
  }
  return begun;
}

// The gate is closed: the message that belongs to it is there, or is about to
// be.
void Episode::AwaitTakeBack(Hand& hand) {
  const uint64_t before = hand.num_taken_back;
  WaitUntil(absl::StrCat("a TakeBack for worker ", hand.id), [&] {
    ReadAll(hand);
    while (hand.num_taken_back == before && !hand.unread.empty()) Handle(hand);
    return hand.num_taken_back != before || hand.worker->killed();
  });
}

void Episode::Answer(Hand& hand, bool in_order) {
  if (WorkerOf(hand).begun == 0) return;
  TaskResponse response = ResponseTo(hand.requests.front(), run_time_);
  PoolModel::Answer answer = PoolModel::Answer::kValue;
  if (dice_.Percent(20)) {
    const bool own = dice_.Percent(80);
    answer =
        own ? PoolModel::Answer::kOwnError : PoolModel::Answer::kForeignError;
    absl::Status error = own ? absl::AbortedError("its own")
                             : absl::NotFoundError("no such function");
    if (own) MarkTaskError(&error);
    *response.mutable_error() = StatusToProto(error);
  }
  const bool leaving = !in_order && dice_.Percent(1);
  const bool keep = !in_order && !leaving && dice_.Percent(20);
  response.set_leaving(leaving);
  Log("worker ", hand.id, ": answers ", response.task_id(),
      response.has_error() ? " by an error" : "", keep ? ", kept" : "",
      leaving ? ", and leaves" : "");
  const bool done = Act(hand, [&] {
    hand.worker->Keep(response);
    hand.Rest();
    if (!keep) hand.worker->WriteKept();
  });
  if (!done) return;
  hand.requests.pop_front();
  model_->Answered(hand.id, answer, leaving, keep);
  if (!keep) model_->Flushed(hand.id);
}

void Episode::Flush(Hand& hand) {
  if (hand.KeptBytes() == 0) return;
  Log("worker ", hand.id, ": flushes");
  if (Act(hand, [&] { hand.worker->WriteKept(); })) model_->Flushed(hand.id);
}

void Episode::FlushSome(Hand& hand) {
  const size_t size = hand.KeptBytes();
  if (size < 2) return;
  const size_t some = 1 + dice_.Below(size - 1);
  Log("worker ", hand.id, ": flushes ", some, " of ", size, " bytes");
  Act(hand, [&] { hand.worker->WriteKept(some); });
}

void Episode::SayProgress(Hand& hand) {
  if (WorkerOf(hand).begun == 0) return;
  const uint64_t task = hand.requests.front().task_id();
  TaskProgress progress;
  progress.set_task_id(task);
  progress.set_message(absl::StrCat("p", ++num_texts_));
  Log("worker ", hand.id, ": is at ", progress.message());
  const bool done = Act(hand, [&] {
    hand.worker->Write(FrameOf(FrameType::kTaskProgress, progress));
  });
  if (!done) return;
  model_->Flushed(hand.id);
  const std::shared_ptr<Listener>& listener = given_.at(task).listener;
  if (listener != nullptr) listener->said.push_back(progress.message());
}

// Whether the pool will not give up for it.
bool Episode::MayDie(Hand& hand) {
  const PoolModel::Worker& worker = WorkerOf(hand);
  if (worker.num_answered > 0 || worker.begun > 0 || hand.at_end) return true;
  if (failed_starts_ >= kMostFailedStarts && !fails_) return false;
  ++failed_starts_;
  return true;
}

// What it counts as that ends by itself, by `end` if it was ready. It may be
// killed before it is waited for.
std::vector<WorkerEnd> Episode::EndsOf(const Hand& hand, WorkerEnd end) const {
  if (!WorkerOf(hand).ready) end = &WorkerEnds::not_ready;
  std::vector<WorkerEnd> ends = {end};
  if (fails_) ends.push_back(&WorkerEnds::terminated);
  if (hand.may_be_killed) ends.push_back(&WorkerEnds::cancelled);
  return ends;
}

void Episode::Exit(Hand& hand) {
  if (!MayDie(hand)) return;
  const bool by_signal = dice_.Percent(50);
  const bool closes = !exits_are_timed_ && dice_.Percent(50);
  Log("worker ", hand.id, ": exits");
  const bool done = Act(hand, [&] {
    hand.Rest();
    if (closes) hand.worker->CloseResponses();
    hand.worker->Exit(by_signal ? ExitStatus::Signaled(11)
                                : ExitStatus::Exited(3));
  });
  if (!done) return;
  hand.exited = true;
  model_->Ended(hand.id, absl::StatusCode::kUnavailable,
                EndsOf(hand, &WorkerEnds::crashed));
}

// One that has nothing to do is not watched.
void Episode::WriteGarbage(Hand& hand) {
  const PoolModel::Worker& worker = WorkerOf(hand);
  if ((worker.ready && worker.begun == 0) || hand.at_end) return;
  // It would be a race of two reasons.
  if (model_->KillIsDue(hand.id) || !MayDie(hand)) return;
  // And it runs several at a time.
  bool begun = false;
  if (worker.begun < hand.requests.size() && worker.begun > 0 &&
      Act(hand, [&] { begun = hand.worker->Begin(); }) && begun) {
    model_->Begun(hand.id);
  }
  TaskResponse foreign;
  foreign.set_task_id(uint64_t{1} << 40);
  foreign.set_result("x");
  const std::string garbage = dice_.Percent(50)
                                  ? "garbage"
                                  : FrameOf(FrameType::kTaskResponse, foreign);
  const bool exits = dice_.Percent(30);
  Log("worker ", hand.id, ": writes garbage", begun ? ", having begun two" : "",
      exits ? ", and exits" : "");
  const bool done = Act(hand, [&] {
    hand.Rest();
    hand.worker->Write(garbage);
    if (exits) hand.worker->Exit(ExitStatus::Exited(3));
  });
  if (!done) return;
  hand.exited = exits;
  model_->Ended(hand.id, absl::StatusCode::kDataLoss,
                EndsOf(hand, &WorkerEnds::broken_channel));
}

// And is killed for that.
void Episode::CloseChannel(Hand& hand) {
  const PoolModel::Worker& worker = WorkerOf(hand);
  if (!exits_are_timed_ || hand.at_end) return;
  if ((worker.ready && worker.begun == 0) || !MayDie(hand)) return;
  Log("worker ", hand.id, ": closes its channel");
  const bool done = Act(hand, [&] {
    hand.Rest();
    hand.worker->CloseResponses();
  });
  if (!done) return;
  model_->Ended(hand.id, absl::StatusCode::kUnavailable,
                EndsOf(hand, &WorkerEnds::broken_channel));
}

// What a worker does that is in order, as far as it goes.
void Episode::Serve(Hand& hand) {
  if (!IsAlive(hand)) return;
  SayHello(hand);
  Flush(hand);
  while (ok() && IsAlive(hand)) {
    if (WorkerOf(hand).begun == 0 && !Begin(hand)) break;
    Answer(hand, /*in_order=*/true);
    if (hand.worker->killed()) break;
  }
  if (IsAlive(hand) && hand.at_end) Exit(hand);
}

// ---- What the program does ----

TaskOptions Episode::DrawOptions(PoolModel::TaskSpec* spec) {
  TaskOptions options;
  if (dice_.Percent(40)) options.priority = dice_.From(-1, 1);
  if (dice_.Percent(30)) options.max_attempts = dice_.From(1, 4);
  options.retry_errors = dice_.Percent(30);
  if (dice_.Percent(30)) options.label = absl::StrCat("n", num_texts_);
  spec->no_grace = dice_.Percent(15);
  options.cancel_grace =
      spec->no_grace ? absl::ZeroDuration() : absl::InfiniteDuration();
  spec->priority = options.priority;
  spec->max_attempts =
      options.max_attempts == 0 ? options_.max_attempts : options.max_attempts;
  spec->retry_errors = options.retry_errors;
  return options;
}

// Not taken by the pool: that can be seen at once.
bool Episode::IsRefused(const Future<std::string>& future,
                        absl::StatusCode code) {
  if (!future.state()->done()) return false;
  const absl::Status status = future.Get().status();
  return status.code() == code && !IsTaskError(status) &&
         !GetTaskFailure(status).has_value();
}

// And may be dead by now, with what that means for its tasks.
bool Episode::SomeoneMayBeKilled() const {
  return std::any_of(hands_.begin(), hands_.end(), [this](const auto& hand) {
    return hand->may_be_killed && !WorkerOf(*hand).gone;
  });
}

bool Episode::WasFull(const Future<std::string>& future) {
  if (options_.max_pending == 0) return false;
  const bool full = IsRefused(future, absl::StatusCode::kResourceExhausted);
  if (full && model_->open_tasks().size() < options_.max_pending) {
    Violation("the queue is said to be full");
  }
  if (!full && !SomeoneMayBeKilled() &&
      model_->num_undecided() >= options_.max_pending) {
    Violation("a task was taken by a full queue");
  }
  if (full) model_->Refused();
  return full;
}

void Episode::Take(const PoolModel::TaskSpec& spec, Given given) {
  const uint64_t id = model_->Submitted(spec);
  if (dice_.Percent(20)) {
    const auto listener = std::make_shared<Listener>();
    given.listener = listener;
    listeners_.push_back(listener);
    given.future.OnProgress([listener](absl::string_view text) {
      absl::MutexLock lock(&listener->mutex);
      listener->heard.emplace_back(text);
    });
    given.future.OnDone([listener](const absl::StatusOr<std::string>&) {
      absl::MutexLock lock(&listener->mutex);
      ++listener->num_outcomes;
    });
  }
  given_[id] = std::move(given);
}

void Episode::Submit() {
  PoolModel::TaskSpec spec;
  Given given;
  given.text = absl::StrCat("t", ++num_texts_);
  const TaskOptions options = DrawOptions(&spec);
  Log("submit, priority ", spec.priority, ", attempts ", spec.max_attempts,
      spec.retry_errors ? ", for errors, too" : "");
  given.future = pool_->Submit(options, Same, given.text);
  if (!WasFull(given.future)) Take(spec, std::move(given));
}

void Episode::SubmitTo() {
  if (hands_.empty()) return;
  Hand& hand = *hands_[hands_.size() - 1 -
                       dice_.Below(std::min<size_t>(hands_.size(), 6))];
  PoolModel::TaskSpec spec;
  Given given;
  given.text = absl::StrCat("t", ++num_texts_);
  const TaskOptions options = DrawOptions(&spec);
  spec.only = hand.id;
  Log("submit to worker ", hand.id);
  given.future = pool_->SubmitTo(options, hand.id, Same, given.text);
  if (WasFull(given.future)) return;
  const PoolModel::Worker& worker = WorkerOf(hand);
  const bool is_there = IsAlive(hand) && worker.may_leave.empty() &&
                        !hand.may_be_killed && options_.spare_workers == 0;
  if (!IsRefused(given.future, absl::StatusCode::kNotFound)) {
    if (worker.gone || worker.told_to_leave) {
      Violation(absl::StrCat("worker ", hand.id, " takes a task"));
    }
    return Take(spec, std::move(given));
  }
  if (is_there) Violation(absl::StrCat("worker ", hand.id, " is not found"));
  model_->Refused();
}

uint64_t Episode::DrawOpenTask() {
  const std::vector<uint64_t>& open = model_->open_tasks();
  return open.empty() ? 0 : open[dice_.Below(open.size())];
}

// Not where it depends on what the pool knows already how often the task was
// tried again.
bool Episode::MayCancel(const PoolModel::Task& task) {
  if (task.spec.only != 0 && !task.begun) {
    // It would be lost with that worker, seen or not.
    const Hand& only = *hands_[task.spec.only - 1];
    if (only.may_be_killed && !WorkerOf(only).gone) return false;
  }
  if (task.worker == 0) return true;
  Hand& hand = *hands_[task.worker - 1];
  if (WorkerOf(hand).gone) return true;
  if (hand.may_be_killed && !task.begun) return false;
  if (!IsAlive(hand) && (task.place == PoolModel::Place::kRetrying ||
                         task.attempt > 1 || dice_.Percent(50))) {
    WaitForGone(hand);
  }
  return ok();
}

void Episode::Cancel() {
  const uint64_t id = DrawOpenTask();
  if (id == 0 || !MayCancel(TaskOf(id))) return;
  const PoolModel::Task& task = TaskOf(id);
  // Nobody who dies has the task, seen or not.
  const bool is_quick = !model_->SomeoneIsDying() && !SomeoneMayBeKilled();
  const bool runs = task.place != PoolModel::Place::kDecided && task.begun;
  if (runs && task.spec.no_grace) {
    Hand& hand = *hands_[task.worker - 1];
    absl::MutexLock lock(&hand.mutex);
    hand.goes_on_at_kill = dice_.Percent(50);
  }
  const bool returned = given_.at(id).future.Cancel();
  Log("cancel ", id, returned ? "" : ": too late");
  model_->Cancelled(id, returned);
  if (task.begun && task.spec.no_grace) model_->KilledAtEnd(task.worker);
  if (runs) {
    hands_[task.worker - 1]->may_be_killed |= task.spec.no_grace;
  } else if (is_quick && !task.kept && !given_.at(id).future.state()->done()) {
    Violation(absl::StrCat("task ", id, " was cancelled, and has not ended"));
  }
}

void Episode::CancelPending() {
  Settle();
  if (!ok()) return;
  const size_t count = pool_->CancelPending();
  Log("cancel what is pending: ", count);
  model_->PendingCancelled(count);
}

void Episode::Resize() {
  const int num_workers = std::max(dice_.From(1, 4), options_.min_workers);
  Log("resize from ", num_workers_, " to ", num_workers);
  const absl::Status status = pool_->Resize(num_workers);
  if (!status.ok()) Violation(status.ToString());
  Adopt();
  if (num_workers < num_workers_) model_->MadeSmaller();
  num_workers_ = num_workers;
}

void Episode::Restart() {
  Log("restart workers");
  const uint64_t before = executor_.num_started();
  const absl::Status status = pool_->RestartWorkers();
  if (!status.ok()) Violation(status.ToString());
  const uint64_t after = executor_.num_started();
  Adopt();
  model_->Restarted(before, after);
}

// As Get for a moment: this thread waits for the answer itself.
void Episode::Peek() {
  const uint64_t id = DrawOpenTask();
  if (id == 0) return;
  Log("peek at ", id);
  given_.at(id).future.WaitWithTimeout(absl::Microseconds(30));
}

// ---- What is seen ----

void Episode::Adopt() {
  const size_t num_started = executor_.num_started();
  while (hands_.size() < num_started) {
    hands_.push_back(std::make_unique<Hand>());
    Hand* const hand = hands_.back().get();
    hand->id = hands_.size();
    hand->worker = executor_.NextWorker();
    hand->worker->set_before_kill([hand] { hand->BeforeKill(); });
    Log("worker ", hand->id, " was started");
    model_->Started(hand->id);
  }
}

void Episode::ReadAll(Hand& hand) {
  Hand::Event event;
  while (!hand.at_end &&
         (hand.unread.empty() ||
          hand.unread.back().what != ScriptedWorker::Polled::kEnd)) {
    event.what = hand.worker->Poll(&event.request);
    if (event.what == ScriptedWorker::Polled::kNothing) return;
    hand.unread.push_back(event);
  }
}

void Episode::HandleAll(Hand& hand) {
  ReadAll(hand);
  while (ok() && !hand.unread.empty()) Handle(hand);
}

// The first of what is unread.
void Episode::Handle(Hand& hand) {
  const Hand::Event& event = hand.unread.front();
  if (event.what == ScriptedWorker::Polled::kRequest) {
    return HandleRequest(hand);
  }
  const bool is_end = event.what == ScriptedWorker::Polled::kEnd;
  hand.unread.pop_front();
  ++hand.num_handled;
  if (!is_end) {
    Log("worker ", hand.id, ": finds a TakeBack");
    hand.worker->Reopen();
    ++hand.num_taken_back;
    model_->TakenBack(hand.id);
    hand.requests.resize(WorkerOf(hand).begun);
    return;
  }
  hand.at_end = true;
  if (!IsAlive(hand)) return;
  const bool dismissed = hand.worker->memory().dismissed != 0;
  Log("worker ", hand.id, ": finds the end", dismissed ? ", dismissed" : "");
  // A kill closes the pipe first.
  if (!dismissed && hand.worker->WaitForKill()) return;
  model_->ToldToLeave(hand.id, dismissed);
}

bool Episode::IsFree(uint64_t task) const {
  const PoolModel::Place place = TaskOf(task).place;
  return place == PoolModel::Place::kQueued ||
         place == PoolModel::Place::kRetrying;
}

// It may have been taken back from where it was seen last, or that worker has
// died: behind the request that is being looked at there, too. That is looked
// at once more, and no more.
void Episode::TryToFree(uint64_t task, const Hand& but) {
  if (TaskOf(task).worker == 0) return;
  Hand& other = *hands_[TaskOf(task).worker - 1];
  if (&other == &but || other.num_reading > 1) return;
  ReadAll(other);
  while (ok() && !IsFree(task) && IsTakenBackLater(other)) Handle(other);
  if (!ok() || IsFree(task) || !other.is_settling) return;
  if (IsAlive(other)) HandleKill(other);
  if (!IsAlive(other) && other.worker->reaped()) HandleGone(other);
}

bool Episode::IsTakenBackLater(Hand& hand) {
  ReadAll(hand);
  return std::any_of(hand.unread.begin(), hand.unread.end(),
                     [](const Hand::Event& event) {
                       return event.what == ScriptedWorker::Polled::kTakeBack;
                     });
}

// The pipes of two workers have no common order: a task that is elsewhere was
// taken back there, as is still to be read; or it was taken back here, and is
// elsewhere since, or has ended. Or it has been given to two workers.
void Episode::HandleRequest(Hand& hand) {
  const uint64_t num_handled = hand.num_handled;
  const TaskRequest request = hand.unread.front().request;
  const uint64_t id = request.task_id();
  if (!model_->has_task(id)) {
    return Violation(absl::StrCat("there is no task ", id));
  }
  ++hand.num_reading;
  UpdateEnds();
  if (!IsFree(id)) TryToFree(id, hand);
  --hand.num_reading;
  if (hand.num_handled != num_handled || !ok()) return;
  const bool is_free = IsFree(id);
  if (!is_free && !IsTakenBackLater(hand) &&
      !(TaskOf(id).place == PoolModel::Place::kDecided &&
        (!IsAlive(hand) || hand.worker->killed() || hand.may_be_killed ||
         WorkerOf(hand).said_leaving))) {
    Violation(
        absl::StrCat("task ", id, " was sent to worker ", hand.id, " again"));
  }
  hand.unread.pop_front();
  ++hand.num_handled;
  Log("worker ", hand.id, ": is sent ", id,
      is_free ? "" : ", and not to run it");
  if (!is_free) return model_->WasElsewhere(hand.id, id);
  const int attempt = std::max(request.extras().attempt(), 1);
  std::string text;
  if (!DecodeValues(request.call().arguments(), &text) ||
      (given_.count(id) > 0 && text != given_.at(id).text)) {
    Violation(absl::StrCat("task ", id, " has other arguments"));
  }
  model_->Received(hand.id, id, attempt);
  hand.requests.push_back(request);
}

// Before anything that follows from it is looked at.
void Episode::UpdateEnds() {
  for (const auto& hand : hands_) {
    if (WorkerOf(*hand).gone || hand->is_settling) continue;
    if (IsAlive(*hand) && hand->worker->killed()) HandleKill(*hand);
    if (!IsAlive(*hand) && hand->worker->reaped()) HandleGone(*hand);
  }
}

void Episode::HandleKill(Hand& hand) {
  hand.is_settling = true;
  HandleAll(hand);
  hand.is_settling = false;
  // It was looked at by the way of another.
  if (!IsAlive(hand)) return;
  HandleLastActs(hand);
  const PoolModel::Worker& worker = WorkerOf(hand);
  const bool dismissed = hand.worker->memory().dismissed != 0;
  Log("worker ", hand.id, ": was killed", dismissed ? ", dismissed" : "");
  if (fails_) {
    return model_->Ended(hand.id, absl::StatusCode::kUnavailable,
                         {&WorkerEnds::terminated});
  }
  if (dismissed && !exits_are_timed_) {
    Violation(absl::StrCat("worker ", hand.id, " had time to leave"));
  }
  if (!dismissed && !hand.may_be_killed) {
    Violation(absl::StrCat("worker ", hand.id, " was killed for nothing"));
  }
  if (!dismissed && worker.begun > 0 && !model_->KillIsDue(hand.id)) {
    Violation(absl::StrCat("worker ", hand.id, " was killed in another task"));
  }
  model_->Ended(hand.id, absl::StatusCode::kCancelled,
                {&WorkerEnds::cancelled});
}

void Episode::HandleLastActs(Hand& hand) {
  absl::MutexLock lock(&hand.mutex);
  if (!hand.answered_at_kill) return;
  hand.requests.pop_front();
  const bool begins = hand.begun_at_kill && !hand.requests.empty();
  Log("worker ", hand.id, ": answers ", hand.running->task_id(), " just before",
      begins ? ", and begins another" : "");
  model_->Answered(hand.id, PoolModel::Answer::kValue, /*leaving=*/false,
                   /*kept=*/false);
  if (begins) model_->Begun(hand.id);
}

void Episode::HandleGone(Hand& hand) {
  hand.is_settling = true;
  HandleAll(hand);
  hand.is_settling = false;
  if (WorkerOf(hand).gone) return;
  Log("worker ", hand.id, ": is gone");
  model_->Gone(hand.id, hand.worker->memory().dismissed != 0);
}

void Episode::Look() {
  model_->CheckConsistent(pool_->Stats());
  Adopt();
  UpdateEnds();
  for (const auto& hand : hands_) {
    if (!WorkerOf(*hand).gone) HandleAll(*hand);
  }
  if (!ok()) return;
  model_->Looked();
  LookAtOutcomes();
}

void Episode::LookAtOutcomes() {
  const std::vector<uint64_t> open = model_->open_tasks();
  for (const uint64_t id : open) {
    if (!ok()) return;
    if (given_.at(id).future.Ready()) CheckOutcome(id);
  }
}

void Episode::CheckOutcome(uint64_t id) {
  const PoolModel::Task& task = TaskOf(id);
  // By a kill that was not looked at.
  if (task.place != PoolModel::Place::kDecided) UpdateEnds();
  const Given given = given_.at(id);
  const absl::StatusOr<std::string> value = given.future.Get();
  const absl::Status status = value.status();
  Log("task ", id, " has ended: ", absl::StatusCodeToString(status.code()));
  if (value.ok() && *value != given.text) {
    Violation(absl::StrCat("task ", id, " has another's result"));
  }
  CheckFailure(status, task);
  model_->Observed(id, {task.outcome.kind, status.code(), IsTaskError(status)});
  given_.erase(id);
  const bool is_answer = task.outcome.kind == PoolModel::Kind::kSucceeded ||
                         task.outcome.kind == PoolModel::Kind::kFailed;
  if (is_answer && !model_->SomeoneIsDying()) failed_starts_ = 0;
}

void Episode::CheckFailure(const absl::Status& status,
                           const PoolModel::Task& task) {
  const bool is_lost = task.outcome.kind == PoolModel::Kind::kLost;
  if (!is_lost && task.outcome.kind != PoolModel::Kind::kCancelled) return;
  const std::optional<TaskFailure> failure = GetTaskFailure(status);
  if (!failure.has_value() || failure->task_id() != task.id ||
      failure->attempt() != task.attempt ||
      (is_lost && failure->worker_id() != task.worker)) {
    Violation(absl::StrCat("task ", task.id, " has ended with ",
                           status.ToString(), ", ",
                           failure.has_value() ? failure->ShortDebugString()
                                               : "and no TaskFailure"));
  }
}

void Episode::WaitForGone(Hand& hand) {
  pool_->Stats();
  if (!hand.worker->WaitForReap()) {
    Violation(absl::StrCat("nobody has seen the end of worker ", hand.id));
  }
  UpdateEnds();
}

// ---- Long steps ----

// Waits until all has happened that needs no worker.
void Episode::Settle() {
  for (const auto& hand : hands_) {
    if (IsAlive(*hand)) Flush(*hand);
  }
  WaitUntil("the pool has not settled", [this] { return SettleOnce(); });
}

bool Episode::SettleOnce() {
  const PoolStats before = pool_->Stats();
  Adopt();
  UpdateEnds();
  for (const auto& hand : hands_) {
    if (!ok()) return false;
    if (!IsAlive(*hand) && !WorkerOf(*hand).gone) WaitForGone(*hand);
    if (model_->KillIsDue(hand->id)) {
      if (!hand->worker->WaitForKill()) Violation("a kill is missing");
      return false;
    }
  }
  const std::vector<uint64_t> open = model_->open_tasks();
  for (const uint64_t id : open) {
    if (TaskOf(id).place != PoolModel::Place::kDecided) continue;
    if (!given_.at(id).future.WaitWithTimeout(kScriptPatience)) {
      Violation(absl::StrCat("task ", id, " does not end"));
    }
    if (!ok()) return false;
    CheckOutcome(id);
  }
  UpdateEnds();
  const size_t num_gone = model_->num_gone();
  const PoolStats stats = pool_->Stats();
  model_->CheckConsistent(stats);
  Adopt();
  UpdateEnds();
  if (num_gone != model_->num_gone() || model_->SomeoneIsDying() ||
      stats.workers.started != hands_.size() ||
      stats.tasks.retries < model_->num_retries()) {
    return false;
  }
  if (ok()) model_->CheckSettled(stats);
  return true;
}

bool Episode::IsDrained(const Hand* stuck) const {
  const std::vector<uint64_t>& open = model_->open_tasks();
  return std::all_of(open.begin(), open.end(), [&](uint64_t id) {
    const PoolModel::Task& task = TaskOf(id);
    return stuck != nullptr && (task.spec.only == stuck->id ||
                                (task.begun && task.worker == stuck->id));
  });
}

// All workers do what they have, until nothing is left; but for one, which
// stays in the middle of its task.
void Episode::Drain(const Hand* stuck) {
  Log("drain", stuck == nullptr ? "" : absl::StrCat(", but for ", stuck->id));
  WaitUntil("tasks wait, and no worker has them", [&] {
    Look();
    for (const auto& hand : hands_) {
      if (ok() && hand.get() != stuck) Serve(*hand);
    }
    return IsDrained(stuck);
  });
}

bool Episode::IsAtRest(const PoolStats& stats) const {
  for (const auto& hand : hands_) {
    if (IsAlive(*hand) && WorkerOf(*hand).reason_is_fixed) return false;
  }
  const WorkerCounts& workers = stats.workers;
  const size_t staying = workers.starting + workers.idle + workers.busy;
  const size_t most = static_cast<size_t>(num_workers_);
  const size_t least = options_.min_workers < 0
                           ? most
                           : static_cast<size_t>(options_.min_workers);
  return workers.leaving == 0 && least <= staying && staying <= most &&
         workers.spare == static_cast<size_t>(options_.spare_workers);
}

// Without tasks there are as many workers as there should be, and none that was
// to be replaced.
void Episode::Rest() {
  Drain(nullptr);
  Log("rest");
  WaitUntil("there are too many workers, or too few, or old ones", [this] {
    Look();
    for (const auto& hand : hands_) {
      if (ok()) Serve(*hand);
    }
    return IsAtRest(pool_->Stats());
  });
  Settle();
}

// ---- Steps ----

Hand* Episode::PickAlive() {
  std::vector<Hand*> alive;
  for (const auto& hand : hands_) {
    if (IsAlive(*hand)) alive.push_back(hand.get());
  }
  return alive.empty() ? nullptr : dice_.Of(alive);
}

void Episode::StepOfAWorker(Hand& hand) {
  if (hand.at_end && dice_.Percent(30)) return Exit(hand);
  const int draw = dice_.From(0, 999);
  if (draw < 350) {
    Begin(hand);
  } else if (draw < 700) {
    Answer(hand, /*in_order=*/false);
  } else if (draw < 750) {
    Serve(hand);
  } else if (draw < 800) {
    SayHello(hand);
  } else if (draw < 840) {
    Flush(hand);
  } else if (draw < 870) {
    FlushSome(hand);
  } else if (draw < 920) {
    SayProgress(hand);
  } else if (draw < 950) {
    Exit(hand);
  } else if (draw < 958) {
    WriteGarbage(hand);
  } else if (draw < 966) {
    CloseChannel(hand);
  }
}

void Episode::Step() {
  const int draw = dice_.From(0, 999);
  Hand* const hand = PickAlive();
  if (draw < 300 && model_->open_tasks().size() < kMostOpenTasks) {
    Submit();
  } else if (draw < 330) {
    SubmitTo();
  } else if (draw < 380) {
    Cancel();
  } else if (draw < 384) {
    CancelPending();
  } else if (draw < 392) {
    Resize();
  } else if (draw < 397) {
    Restart();
  } else if (draw < 420) {
    Peek();
  } else if (draw < 440) {
    Settle();
  } else if (draw < 442) {
    Rest();
  } else if (draw < 446) {
    if (hand != nullptr && num_workers_ > 1 && WorkerOf(*hand).begun > 0 &&
        !hand->may_be_killed) {
      Flush(*hand);
      Drain(hand);
    }
  } else if (hand != nullptr) {
    StepOfAWorker(*hand);
  }
  if (ok() && dice_.Percent(60)) Look();
}

size_t Episode::Run(size_t most) {
  size_t steps = 0;
  most = std::min(most, kStepsOfAnEpisode);
  while (ok() && steps < most && hands_.size() < kMostWorkers) {
    Step();
    ++steps;
  }
  if (!ok()) return steps;
  const int draw = dice_.From(0, 99);
  if (draw < 50) {
    CloseAtEnd();
  } else if (draw < 80) {
    TerminateAtEnd();
  } else if (draw < 90) {
    FailAtEnd();
  } else {
    BreakAtEnd();
  }
  return steps;
}

// ---- Ends ----

void Episode::CloseAtEnd() {
  if (dice_.Percent(50)) Rest();
  if (!ok()) return;
  Log("close");
  pool_->Close();
  Adopt();
  model_->Closed();
  const Future<std::string> late = pool_->Submit(Same, "late");
  if (!IsRefused(late, absl::StatusCode::kFailedPrecondition)) {
    Violation("a closed pool has taken a task");
  }
  model_->Refused();
  Drain(nullptr);
  WaitUntil("workers do not leave", [this] {
    Look();
    for (const auto& hand : hands_) {
      if (ok()) Serve(*hand);
    }
    return !model_->SomeoneIsDying() &&
           model_->num_gone() == executor_.num_started();
  });
  Join(absl::StatusCode::kOk);
}

void Episode::TerminateAtEnd() {
  Settle();
  if (!ok()) return;
  Log("terminate");
  pool_->Terminate();
  Adopt();
  model_->CutOff(absl::StatusCode::kCancelled);
  Join(absl::StatusCode::kOk);
}

// A worker's initializer gives an error.
void Episode::FailAtEnd() {
  Settle();
  if (!ok()) return;
  Hand* starting = nullptr;
  for (const auto& hand : hands_) {
    if (IsAlive(*hand) && !WorkerOf(*hand).ready && !hand->at_end) {
      starting = hand.get();
    }
  }
  if (starting == nullptr) return TerminateAtEnd();
  Log("worker ", starting->id, ": Hello with an error");
  WorkerHello hello;
  *hello.mutable_error() =
      StatusToProto(absl::UnimplementedError("not in this one"));
  const bool done = Act(*starting, [&] {
    starting->worker->Write(FrameOf(FrameType::kWorkerHello, hello));
  });
  if (!done) return TerminateAtEnd();
  Adopt();
  model_->CutOff(absl::StatusCode::kUnimplemented);
  model_->Ended(starting->id, absl::StatusCode::kUnimplemented,
                {&WorkerEnds::not_ready});
  WaitUntil("the pool does not fail", [this] { return HasFailed(); });
  Join(absl::StatusCode::kUnimplemented);
}

// No worker gets ready any more.
void Episode::BreakAtEnd() {
  if (options_.min_workers == 0) return CloseAtEnd();
  Drain(nullptr);
  Settle();
  if (!ok()) return;
  Log("all workers die at their start");
  fails_ = true;
  failed_starts_ = 0;
  WaitUntil("the pool does not fail", [this] {
    pool_->Stats();
    Adopt();
    for (const auto& hand : hands_) {
      if (ok() && IsAlive(*hand)) Exit(*hand);
      if (ok() && !WorkerOf(*hand).gone) WaitForGone(*hand);
    }
    return HasFailed();
  });
  if (failed_starts_ + kMostFailedStarts < num_workers_ + 5) {
    Violation("the pool gave up too soon");
  }
  Join(absl::StatusCode::kUnavailable);
}

bool Episode::HasFailed() { return !pool_->Resize(num_workers_).ok(); }

void Episode::Join(absl::StatusCode code) {
  pool_->Close();
  const absl::Status status = pool_->Join(kScriptPatience);
  if (status.code() != code) {
    Violation(absl::StrCat("Join: ", status.ToString()));
  }
  Log("joined: ", status.ToString());
  Adopt();
  for (const auto& hand : hands_) {
    if (!WorkerOf(*hand).ended) {
      model_->Ended(hand->id, code, {&WorkerEnds::terminated});
    }
    if (!WorkerOf(*hand).gone) {
      if (!hand->worker->reaped()) Violation("a worker was not waited for");
      model_->Gone(hand->id, hand->worker->memory().dismissed != 0);
    }
  }
  if (!ok()) return;
  LookAtOutcomes();
  if (!ok()) return;
  if (!model_->open_tasks().empty()) Violation("Join left tasks open");
  const PoolStats stats = pool_->Stats();
  model_->CheckConsistent(stats);
  model_->CheckSettled(stats);
  if (!stats.each_worker.empty()) Violation("Join left workers");
  CheckListeners();
}

void Episode::CheckListeners() {
  for (const std::shared_ptr<Listener>& listener : listeners_) {
    absl::MutexLock lock(&listener->mutex);
    if (listener->num_outcomes != 1) {
      Violation(absl::StrCat("a callback of OnDone was called ",
                             listener->num_outcomes, " times"));
    }
    if (listener->heard != listener->said) {
      Violation(absl::StrCat("of ", listener->said.size(), " messages ",
                             listener->heard.size(), " were heard"));
    }
  }
}

std::string Episode::LastSteps() const {
  std::string text;
  for (const std::string& step : steps_) absl::StrAppend(&text, step, "\n");
  absl::StrAppend(&text, pool_line_, "\nNow it is to have ", num_workers_,
                  " workers. Those that are there:\n", model_->Workers(),
                  "Tasks that are open:\n", model_->OpenTasks());
  return text;
}

TEST(PoolModelTest, ThePoolDoesAsTheModelSays) {
  uint64_t seed = absl::GetFlag(FLAGS_model_seed);
  if (seed == 0) seed = std::random_device()();
  const uint64_t steps = absl::GetFlag(FLAGS_model_steps);
  std::cout << "--model_seed=" << seed << " --model_steps=" << steps
            << std::endl;
  uint64_t done = 0;
  uint64_t num_episodes = 0;
  for (; done < steps; ++num_episodes) {
    Episode episode(seed + num_episodes);
    done += episode.Run(static_cast<size_t>(steps - done));
    ASSERT_EQ(episode.violation(), "")
        << "Seed " << seed << ", episode " << num_episodes << ", alone: "
        << "--model_seed=" << seed + num_episodes
        << " --model_steps=" << kStepsOfAnEpisode << "\nThe last steps:\n"
        << episode.LastSteps();
  }
  std::cout << num_episodes << " pools" << std::endl;
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  return RUN_ALL_TESTS();
}
