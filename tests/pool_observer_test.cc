// What a pool tells its observers: with real workers, and with scripted ones
// where the order is to be known.

#include "multiproc/pool/pool_observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/pool_events.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/pool/stats_names.h"
#include "multiproc/pool/task.h"
#include "tests/backends.h"
#include "tests/scripted_worker.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

absl::Status Fail() { return absl::NotFoundError("no such file"); }
MULTIPROC_FUNCTION(Fail);

void Die() { DieBySignal(kSigKill); }
MULTIPROC_FUNCTION(Die);

void Hang() { PauseForEver(); }
MULTIPROC_FUNCTION(Hang);

// Writes down what it is told.
class Recorder : public PoolObserver {
 public:
  void OnSubmitted(absl::Time /*when*/, const ObservedTask& task) override {
    Add(absl::StrCat("task ", task.id, " submitted: ", task.function,
                     task.label.empty() ? "" : " ", task.label, " x",
                     task.items, ", ", task.argument_bytes, " bytes"));
  }
  void OnLeased(absl::Time when, const ObservedTask& task) override {
    Add(absl::StrCat("task ", task.id, " leased to ", task.worker_id,
                     ", attempt ", task.attempt));
    absl::MutexLock lock(&mutex_);
    leased_ = when;
  }
  void OnTakenBack(absl::Time /*when*/, const ObservedTask& task) override {
    Add(absl::StrCat("task ", task.id, " taken back from ", task.worker_id));
  }
  void OnAnswered(absl::Time when, const ObservedTask& task,
                  const TaskRun& run) override {
    Add(absl::StrCat("task ", task.id, " answered by ", task.worker_id, ": ",
                     run.status.ToString()));
    absl::MutexLock lock(&mutex_);
    run_ = run;
    answered_ = when;
  }
  void OnRetried(absl::Time /*when*/, const ObservedTask& task) override {
    Add(absl::StrCat("task ", task.id, " retried, attempt ", task.attempt));
  }
  void OnEnded(absl::Time /*when*/, const ObservedTask& task,
               TaskOutcome outcome, const absl::Status& status) override {
    Add(absl::StrCat("task ", task.id, " ended: ", TaskOutcomeName(outcome),
                     ", ", absl::StatusCodeToString(status.code())));
  }
  void OnWorkerStarted(absl::Time /*when*/,
                       const ObservedWorker& worker) override {
    EXPECT_GT(worker.pid, 0);
    Add(absl::StrCat("worker ", worker.id, " started"));
  }
  void OnWorkerReady(absl::Time /*when*/,
                     const ObservedWorker& worker) override {
    Add(absl::StrCat("worker ", worker.id, " ready"));
  }
  void OnWorkerKilled(absl::Time /*when*/, const ObservedWorker& worker,
                      const absl::Status& reason) override {
    Add(absl::StrCat("worker ", worker.id,
                     " killed: ", absl::StatusCodeToString(reason.code())));
  }
  void OnWorkerEnded(absl::Time /*when*/, const ObservedWorker& worker,
                     WorkerEnd cause, const ExitStatus& /*status*/) override {
    Add(absl::StrCat("worker ", worker.id, " ended: ", WorkerEndName(cause)));
  }
  void OnCaughtUp() override { Add("caught up"); }

  // Those that begin with `prefix`.
  std::vector<std::string> LinesOf(absl::string_view prefix) {
    absl::MutexLock lock(&mutex_);
    std::vector<std::string> found;
    for (const std::string& line : lines_) {
      if (absl::StartsWith(line, prefix)) found.push_back(line);
    }
    return found;
  }
  std::string Last() {
    absl::MutexLock lock(&mutex_);
    return lines_.empty() ? "" : lines_.back();
  }
  void Await(const std::string& line) {
    absl::MutexLock lock(&mutex_);
    const auto is_there = [this, &line]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return std::find(lines_.begin(), lines_.end(), line) != lines_.end();
    };
    EXPECT_TRUE(
        mutex_.AwaitWithTimeout(absl::Condition(&is_there), kScriptPatience))
        << line;
  }
  TaskRun last_run() {
    absl::MutexLock lock(&mutex_);
    return run_;
  }
  absl::Time last_leased() {
    absl::MutexLock lock(&mutex_);
    return leased_;
  }
  absl::Time last_answered() {
    absl::MutexLock lock(&mutex_);
    return answered_;
  }

 private:
  void Add(std::string line) {
    absl::MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
  }

  absl::Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  TaskRun run_ ABSL_GUARDED_BY(mutex_);
  absl::Time leased_ ABSL_GUARDED_BY(mutex_);
  absl::Time answered_ ABSL_GUARDED_BY(mutex_);
};

std::unique_ptr<ProcessPool> MakePool(const ProcessPoolOptions& options) {
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  EXPECT_TRUE(pool.ok()) << pool.status();
  return pool.ok() ? *std::move(pool) : nullptr;
}

void CloseAndJoin(ProcessPool& pool) {
  pool.Close();
  EXPECT_EQ(pool.Join(), absl::OkStatus());
}

// ---- On every backend ----

class PoolObserverTest : public BackendTest {
 protected:
  ProcessPoolOptions Options() {
    ProcessPoolOptions options;
    options.num_workers = 1;
    options.executor = &executor();
    options.observers = {&recorder_};
    return options;
  }

  Recorder recorder_;
};

TEST_P(PoolObserverTest, TheLifeOfATaskAndAWorker) {
  const auto pool = MakePool(Options());
  TaskOptions options;
  options.label = "first";
  EXPECT_EQ(*pool->Submit(options, Same, "abc").Get(), "abc");
  CloseAndJoin(*pool);
  EXPECT_THAT(
      recorder_.LinesOf("task"),
      ElementsAre("task 1 submitted: Same first x1, 4 bytes",
                  "task 1 leased to 1, attempt 1", "task 1 answered by 1: OK",
                  "task 1 ended: succeeded, OK"));
  EXPECT_THAT(recorder_.LinesOf("worker"),
              ElementsAre("worker 1 started", "worker 1 ready",
                          "worker 1 ended: closed"));
  EXPECT_EQ(recorder_.Last(), "caught up");
}

TEST_P(PoolObserverTest, AWorkerTellsWhenItBegan) {
  const auto pool = MakePool(Options());
  // The first may have been leased before its worker was there.
  EXPECT_TRUE(pool->Submit(Same, "").Get().ok());
  EXPECT_TRUE(pool->Submit(Same, "").Get().ok());
  CloseAndJoin(*pool);
  const TaskRun run = recorder_.last_run();
  EXPECT_GT(run.time, absl::ZeroDuration());
  // It may have read the request before the parent looked at its clock; but not
  // before the first was answered.
  EXPECT_GE(run.start + absl::Seconds(1), recorder_.last_leased());
  EXPECT_LE(run.start + run.time, recorder_.last_answered());
}

TEST_P(PoolObserverTest, AnOwnErrorIsAnAnswerAndAFailure) {
  const auto pool = MakePool(Options());
  EXPECT_FALSE(pool->Submit(Fail).Get().ok());
  CloseAndJoin(*pool);
  EXPECT_THAT(recorder_.LinesOf("task"),
              ElementsAre("task 1 submitted: Fail x1, 0 bytes",
                          "task 1 leased to 1, attempt 1",
                          HasSubstr("answered by 1: NOT_FOUND: no such file"),
                          "task 1 ended: failed, NOT_FOUND"));
}

TEST_P(PoolObserverTest, ACrashIsRetriedAndThenTheEnd) {
  const auto pool = MakePool(Options());
  TaskOptions options;
  options.max_attempts = 2;
  EXPECT_FALSE(pool->Submit(options, Die).Get().ok());
  pool->Terminate();
  pool->Join().IgnoreError();
  EXPECT_THAT(
      recorder_.LinesOf("task"),
      ElementsAre("task 1 submitted: Die x1, 0 bytes",
                  "task 1 leased to 1, attempt 1", "task 1 retried, attempt 2",
                  "task 1 leased to 2, attempt 2",
                  "task 1 ended: lost, UNAVAILABLE"));
  EXPECT_THAT(recorder_.LinesOf("worker 1"),
              ElementsAre("worker 1 started", "worker 1 ready",
                          "worker 1 ended: crashed"));
  EXPECT_EQ(recorder_.LinesOf("worker 2").back(), "worker 2 ended: crashed");
}

TEST_P(PoolObserverTest, ATimeoutIsAKill) {
  const auto pool = MakePool(Options());
  TaskOptions options;
  options.timeout = absl::Milliseconds(300);
  EXPECT_FALSE(pool->Submit(options, Hang).Get().ok());
  pool->Terminate();
  pool->Join().IgnoreError();
  EXPECT_EQ(recorder_.LinesOf("task 1").back(),
            "task 1 ended: timed_out, DEADLINE_EXCEEDED");
  EXPECT_THAT(recorder_.LinesOf("worker 1"),
              ElementsAre("worker 1 started", "worker 1 ready",
                          "worker 1 killed: DEADLINE_EXCEEDED",
                          "worker 1 ended: timed_out"));
}

TEST_P(PoolObserverTest, AChunkIsOneTaskOfItems) {
  const auto pool = MakePool(Options());
  MapOptions options;
  options.chunk_size = 3;
  const std::vector<std::string> items(7, "x");
  EXPECT_TRUE(pool->Map(options, Same, items).ok());
  CloseAndJoin(*pool);
  EXPECT_THAT(recorder_.LinesOf("task 1 submitted"),
              ElementsAre(HasSubstr("x3,")));
  EXPECT_THAT(recorder_.LinesOf("task 2 submitted"),
              ElementsAre(HasSubstr("x3,")));
  EXPECT_THAT(recorder_.LinesOf("task 3 submitted"),
              ElementsAre(HasSubstr("x1,")));
  EXPECT_THAT(recorder_.LinesOf("task 4"), IsEmpty());
}

TEST_P(PoolObserverTest, WhatTerminateCutsOffEndsOnce) {
  const auto pool = MakePool(Options());
  pool->Submit(Hang);
  const auto queued = pool->Submit(Same, "");
  pool->Terminate();
  EXPECT_EQ(queued.Get().status().code(), absl::StatusCode::kCancelled);
  pool->Join().IgnoreError();
  EXPECT_EQ(recorder_.LinesOf("task 1").back(),
            "task 1 ended: cut_off, CANCELLED");
  EXPECT_EQ(recorder_.LinesOf("task 2").back(),
            "task 2 ended: cut_off, CANCELLED");
  EXPECT_THAT(recorder_.LinesOf("task 1 ended"), testing::SizeIs(1));
}

TEST_P(PoolObserverTest, BroadcastAndSubmitToAreTold) {
  const auto pool = MakePool(Options());
  EXPECT_TRUE(pool->Submit(Same, "").Get().ok());
  const auto futures = pool->Broadcast(Same, "b");
  ASSERT_EQ(futures->size(), 1u);
  EXPECT_TRUE(futures->front().Get().ok());
  CloseAndJoin(*pool);
  EXPECT_THAT(
      recorder_.LinesOf("task 2"),
      ElementsAre("task 2 submitted: Same x1, 2 bytes",
                  "task 2 leased to 1, attempt 1", "task 2 answered by 1: OK",
                  "task 2 ended: succeeded, OK"));
}

TEST_P(PoolObserverTest, AllObserversAreToldAndNullOnesAreNone) {
  Recorder second;
  ProcessPoolOptions options = Options();
  options.observers = {nullptr, &recorder_, &second};
  auto pool = MakePool(options);
  EXPECT_TRUE(pool->Submit(Same, "").Get().ok());
  // The destructor, too, returns after the last call.
  pool = nullptr;
  EXPECT_EQ(recorder_.LinesOf("").size(), second.LinesOf("").size());
  EXPECT_EQ(second.LinesOf("worker").back(), "worker 1 ended: closed");
}

MULTIPROC_FOR_EVERY_BACKEND(PoolObserverTest);

// ---- What an observer may do ----

class Caller : public PoolObserver {
 public:
  explicit Caller(std::function<void()> call) : call_(std::move(call)) {}
  void OnEnded(absl::Time /*when*/, const ObservedTask& /*task*/,
               TaskOutcome /*outcome*/,
               const absl::Status& /*status*/) override {
    if (!std::exchange(called_, true)) call_();
  }

 private:
  const std::function<void()> call_;
  bool called_ = false;
};

TEST(PoolObserverCallsTest, AnObserverMayUseThePoolButNotJoin) {
  ProcessPool* pool = nullptr;
  absl::Status joined;
  std::optional<Future<std::string>> second;
  absl::Notification called;
  Caller caller([&] {
    EXPECT_EQ(pool->Stats().tasks.succeeded, 1u);
    second = pool->Submit(Same, "second");
    pool->Close();
    joined = pool->Join();
    called.Notify();
  });
  ProcessPoolOptions options;
  options.num_workers = 1;
  // The first has ended: there is room for one.
  options.max_pending = 1;
  options.observers = {&caller};
  const auto owner = MakePool(options);
  pool = owner.get();
  EXPECT_TRUE(pool->Submit(Same, "first").Get().ok());
  called.WaitForNotification();
  EXPECT_EQ(joined.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(*second->Get(), "second");
  EXPECT_EQ(owner->Join(), absl::OkStatus());
}

// ---- Scripted ----

class ScriptedObserverTest : public testing::Test {
 protected:
  void SetUp() override {
    ProcessPoolOptions options;
    options.num_workers = 1;
    options.max_leased_tasks = 4;
    options.executor = &executor_;
    options.observers = {&recorder_};
    pool_ = MakePool(options);
    worker_ = executor_.NextWorker();
    worker_->SayHello();
  }
  void TearDown() override {
    pool_->Terminate();
    worker_->Exit(ExitStatus::Exited(0));
    pool_ = nullptr;
  }

  // Leaves the second begun, and the third leased behind it.
  Future<std::string> RunTheSecondOfThree() {
    pool_->Submit(Same, "1");
    const std::optional<TaskRequest> first = worker_->NextTask();
    pool_->Submit(Same, "2");
    Future<std::string> third = pool_->Submit(Same, "3");
    if (first.has_value()) worker_->Answer(ResponseTo(*first));
    recorder_.Await("task 3 leased to 1, attempt 1");
    EXPECT_TRUE(worker_->NextTask().has_value());
    return third;
  }

  Recorder recorder_;
  ScriptedExecutor executor_;
  std::unique_ptr<ProcessPool> pool_;
  std::shared_ptr<ScriptedWorker> worker_;
};

TEST_F(ScriptedObserverTest, WhatHadNotBegunIsTakenBack) {
  Future<std::string> third = RunTheSecondOfThree();
  EXPECT_TRUE(third.Cancel());
  recorder_.Await("task 3 ended: cancelled, CANCELLED");
  EXPECT_THAT(
      recorder_.LinesOf("task 3"),
      ElementsAre("task 3 submitted: Same x1, 2 bytes",
                  "task 3 leased to 1, attempt 1", "task 3 taken back from 1",
                  "task 3 ended: cancelled, CANCELLED"));
}

TEST_F(ScriptedObserverTest, OfAWorkerThatDiesOnlyTheBegunTaskIsLost) {
  RunTheSecondOfThree();
  worker_->Exit(ExitStatus::Exited(3));
  recorder_.Await("worker 1 ended: crashed");
  recorder_.Await("task 2 ended: lost, UNAVAILABLE");
  recorder_.Await("task 3 taken back from 1");
}

TEST_F(ScriptedObserverTest, TheStartIsWhatTheWorkerSays) {
  pool_->Submit(Same, "1");
  std::optional<TaskRequest> task = worker_->NextTask();
  ASSERT_TRUE(task.has_value());
  TaskResponse response = ResponseTo(*task, absl::Milliseconds(3));
  response.set_start_time_ns(12'345'678);
  worker_->Answer(response);
  recorder_.Await("task 1 ended: succeeded, OK");
  EXPECT_EQ(recorder_.last_run().start,
            absl::UnixEpoch() + absl::Nanoseconds(12'345'678));
  EXPECT_EQ(recorder_.last_run().time, absl::Milliseconds(3));
}

TEST_F(ScriptedObserverTest, AStartThatIsToComeIsNotBelieved) {
  for (const uint64_t start : {uint64_t{0}, uint64_t{1} << 62}) {
    const auto future = pool_->Submit(Same, "1");
    std::optional<TaskRequest> task = worker_->NextTask();
    ASSERT_TRUE(task.has_value());
    TaskResponse response = ResponseTo(*task, absl::Milliseconds(3));
    response.set_start_time_ns(start);
    worker_->Answer(response);
    recorder_.Await(
        absl::StrCat("task ", task->task_id(), " ended: succeeded, OK"));
    EXPECT_EQ(recorder_.last_run().start,
              recorder_.last_answered() - absl::Milliseconds(3));
  }
}

// ---- Observers that are slow ----

class SlowObserver : public PoolObserver {
 public:
  void OnSubmitted(absl::Time /*when*/, const ObservedTask& /*task*/) override {
    go_on.WaitForNotification();
    ++told;
  }

  absl::Notification go_on;
  std::atomic<size_t> told{0};
};

class PoolEventsTest : public testing::Test {
 protected:
  PoolEventsTest() : events_(PoolEvents::For({&observer_})) {
    absl::StatusOr<PackedCall> call = PackCall(Same, std::string("x"));
    EXPECT_TRUE(call.ok());
    task_->SetCall(*std::move(call), 1);
  }

  void Submit(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      events_->Submitted(*task_);
      if (i % 100 == 99) events_->Deliver();
    }
    events_->Deliver();
  }

  SlowObserver observer_;
  const std::unique_ptr<PoolEvents> events_;
  const TaskPtr task_ = std::make_shared<Task>(nullptr);
};

TEST_F(PoolEventsTest, WithRoomNobodyWaits) {
  Submit(PoolEvents::kMostWaiting - 1);
  events_->AwaitRoom();
  EXPECT_EQ(observer_.told, 0u);
  observer_.go_on.Notify();
  events_->AwaitAllTold();
  EXPECT_EQ(observer_.told, PoolEvents::kMostWaiting - 1);
}

TEST_F(PoolEventsTest, ThePoolWaitsForASlowObserverUntilHalfIsTold) {
  // In two parts, whatever is told before this waits.
  for (size_t i = 0; i <= PoolEvents::kMostWaiting / 2; ++i) {
    events_->Submitted(*task_);
  }
  events_->Deliver();
  for (size_t i = 1; i < PoolEvents::kMostWaiting / 2; ++i) {
    events_->Submitted(*task_);
  }
  events_->Deliver();
  std::atomic<size_t> told{0};
  std::thread pool([&] {
    events_->AwaitRoom();
    told = observer_.told.load();
  });
  observer_.go_on.Notify();
  pool.join();
  EXPECT_GT(told, PoolEvents::kMostWaiting / 2);
}

TEST_F(PoolEventsTest, OnceReleasedNobodyWaits) {
  Submit(PoolEvents::kMostWaiting);
  events_->Release();
  events_->AwaitRoom();
  EXPECT_EQ(observer_.told, 0u);
  observer_.go_on.Notify();
}

// Though nothing else needs the pool's own thread then.
TEST_P(PoolObserverTest, WhoSubmitsAndWaitsIsHeldUpByASlowObserver) {
  SlowObserver observer;
  ProcessPoolOptions options;
  options.num_workers = 1;
  options.executor = &executor();
  options.observers = {&observer};
  const auto pool = ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  std::atomic<size_t> ended{0};
  absl::Notification done;
  std::thread caller([&] {
    // Each is four events.
    for (size_t i = 0; i < PoolEvents::kMostWaiting; ++i) {
      ended += (*pool)->Submit(Same, std::string("x")).Get().ok() ? 1 : 0;
    }
    done.Notify();
  });
  EXPECT_FALSE(done.WaitForNotificationWithTimeout(absl::Seconds(1)));
  EXPECT_LE(ended, PoolEvents::kMostWaiting / 3);
  observer.go_on.Notify();
  caller.join();
  EXPECT_EQ(ended, PoolEvents::kMostWaiting);
}

TEST_F(PoolEventsTest, AfterShutdownNothingIsTold) {
  observer_.go_on.Notify();
  Submit(1);
  events_->Shutdown();
  EXPECT_EQ(observer_.told, 1u);
  Submit(1);
  EXPECT_EQ(observer_.told, 1u);
}

TEST(StatsNamesTest, EachMemberHasItsName) {
  EXPECT_EQ(TaskOutcomeName(&TaskCounts::timed_out), "timed_out");
  EXPECT_EQ(TaskOutcomeName(&TaskCounts::retries), "");
  EXPECT_EQ(TaskOutcomeName(nullptr), "");
  EXPECT_EQ(WorkerEndName(&WorkerEnds::broken_channel), "broken_channel");
  EXPECT_EQ(WorkerEndName(&WorkerEnds::oom_killed), "");
  // All that the sums have: each is one here.
  TaskCounts tasks;
  for (const NamedCount<TaskCounts>& one : AllTaskOutcomes()) {
    tasks.*one.member = 1;
  }
  EXPECT_EQ(tasks.Ended(), AllTaskOutcomes().size());
  EXPECT_EQ(AllTaskOutcomes().size(), 6u);
  WorkerEnds ends;
  for (const NamedCount<WorkerEnds>& one : AllWorkerEnds()) {
    ends.*one.member = 1;
  }
  EXPECT_EQ(ends.Total(), AllWorkerEnds().size());
  EXPECT_EQ(AllWorkerEnds().size(), 14u);
}

}  // namespace
}  // namespace multiproc
