// What may become of a task besides its result, end to end, on every backend:
// cancelled, timed out, tried again, overtaken, refused, told of.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/combinators.h"
#include "multiproc/pool/current_task.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/new_fifo.h"
#include "tests/read_file.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// ---- Tasks ----

int64_t Pid() { return CurrentPid(); }
MULTIPROC_FUNCTION(Pid);

// Tells the test that it runs, through a FIFO, and never ends.
void Hang(const std::string& fifo) {
  WriteFifo(fifo, absl::StrCat(CurrentPid()));
  PauseForEver();
}
MULTIPROC_FUNCTION(Hang);

// Ends once the test reads the FIFO.
int64_t WaitForReader(const std::string& fifo) {
  WriteFifo(fifo, "");
  return CurrentPid();
}
MULTIPROC_FUNCTION(WaitForReader);

void AwaitNotice() {
  const CurrentTask task;
  while (!task.cancelled()) absl::SleepFor(absl::Milliseconds(1));
}

// What a task does that was told to end.
enum Reaction { kReturn = 0, kFail = 1, kDie = 2 };

absl::StatusOr<std::string> UntilTold(const std::string& fifo, int reaction) {
  WriteFifo(fifo, "");
  AwaitNotice();
  if (reaction == kDie) DieBySignal(kSigKill);
  if (reaction == kFail) return absl::AbortedError("half done");
  return "stopped";
}
MULTIPROC_FUNCTION(UntilTold);

std::string UntilSoftTimeout() {
  AwaitNotice();
  return absl::StrCat(CurrentTask().time_left() <= absl::ZeroDuration());
}
MULTIPROC_FUNCTION(UntilSoftTimeout);

void Pause() { PauseForEver(); }
MULTIPROC_FUNCTION(Pause);

bool IsCancelled() { return CurrentTask().cancelled(); }
MULTIPROC_FUNCTION(IsCancelled);

int64_t MillisecondsLeft() {
  const absl::Time deadline = CurrentTask().deadline();
  if (deadline == absl::InfiniteFuture()) return -1;
  return absl::ToInt64Milliseconds(deadline - absl::Now());
}
MULTIPROC_FUNCTION(MillisecondsLeft);

std::string Describe() {
  const CurrentTask task;
  bool other_is_valid = true;
  std::thread([&] { other_is_valid = CurrentTask().valid(); }).join();
  return absl::StrCat(task.valid(), " ", task.label(), " ", task.attempt(), " ",
                      other_is_valid);
}
MULTIPROC_FUNCTION(Describe);

void Log(const std::string& path, const std::string& line) {
  AppendLine(path, line);
}
MULTIPROC_FUNCTION(Log);

void Die() { DieBySignal(kSigKill); }
MULTIPROC_FUNCTION(Die);

// Its own error, until the attempt is `good`.
absl::StatusOr<int> FailUntil(int good) {
  const int attempt = CurrentTask().attempt();
  if (attempt >= good) return attempt;
  return absl::UnavailableError(absl::StrCat("attempt ", attempt));
}
MULTIPROC_FUNCTION(FailUntil);

int HangUntil(int good) {
  const int attempt = CurrentTask().attempt();
  if (attempt < good) PauseForEver();
  return attempt;
}
MULTIPROC_FUNCTION(HangUntil);

// Reports all it is told to, and returns how much of it was sent.
int Report(const std::vector<std::string>& messages) {
  int sent = 0;
  for (const std::string& message : messages) {
    sent += CurrentTask().ReportProgress(message) ? 1 : 0;
  }
  return sent;
}
MULTIPROC_FUNCTION(Report);

// Once the test reads the first FIFO, and before it reads the second.
int ReportAfter(const std::string& fifo, const std::string& second) {
  WriteFifo(fifo, "");
  WriteFifo(second, "");
  return CurrentTask().ReportProgress("late") ? 1 : 0;
}
MULTIPROC_FUNCTION(ReportAfter);

int ReportPairs(int count) {
  int sent = 0;
  for (int i = 0; i < count; ++i) {
    sent += CurrentTask().ReportProgress(std::pair<int, int>(i, count)) ? 1 : 0;
  }
  return sent;
}
MULTIPROC_FUNCTION(ReportPairs);

int64_t SizeOf(const std::string& text) {
  return static_cast<int64_t>(text.size());
}
MULTIPROC_FUNCTION(SizeOf);

// ---- The fixture ----

absl::Status StatusOf(const Future<void>& future) { return future.Get(); }
template <typename T>
absl::Status StatusOf(const Future<T>& future) {
  return future.Get().status();
}

// The pool's own CANCELLED.
template <typename T>
void ExpectCancelled(const Future<T>& future, const std::string& message) {
  const absl::Status status = StatusOf(future);
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  EXPECT_FALSE(IsTaskError(status));
  EXPECT_TRUE(GetTaskFailure(status).has_value()) << status;
}

TaskOptions Grace(absl::Duration grace) {
  TaskOptions options;
  options.cancel_grace = grace;
  return options;
}

class TaskLifeTest : public BackendTest {
 protected:
  ProcessPoolOptions Options(int num_workers) {
    ProcessPoolOptions options;
    options.num_workers = num_workers;
    options.executor = &executor();
    return options;
  }

  std::unique_ptr<ProcessPool> MakePool(const ProcessPoolOptions& options) {
    absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
        ProcessPool::Create(options);
    EXPECT_TRUE(pool.ok()) << pool.status();
    return pool.ok() ? *std::move(pool) : nullptr;
  }
  std::unique_ptr<ProcessPool> MakePool(int num_workers) {
    return MakePool(Options(num_workers));
  }
};

// ---- Cancel ----

TEST_P(TaskLifeTest, AQueuedTaskIsCancelledAtOnceAndNeverRuns) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  const std::string log = TempPath("log");
  const auto running = pool->Submit(WaitForReader, fifo);
  const auto queued = pool->Submit(Log, log, "queued");
  const auto last = pool->Submit(Log, log, "last");
  EXPECT_TRUE(queued.Cancel());
  EXPECT_TRUE(queued.Ready());
  ExpectCancelled(queued, "before it began");
  EXPECT_FALSE(queued.Cancel());
  ReadFifo(fifo);
  EXPECT_TRUE(running.Get().ok());
  EXPECT_TRUE(last.Get().ok());
  EXPECT_THAT(ReadLines(log), ElementsAre("last"));
}

// Behind one that runs, in the same worker.
TEST_P(TaskLifeTest, ALeasedTaskIsCancelledAtOnceAndNeverRuns) {
  ProcessPoolOptions options = Options(1);
  options.max_leased_tasks = 3;
  const auto pool = MakePool(options);
  ASSERT_TRUE(pool->Submit(Pid).Get().ok());
  const std::string fifo = NewFifo();
  const std::string log = TempPath("log");
  const auto running = pool->Submit(UntilTold, fifo, int{kReturn});
  const auto first = pool->Submit(Log, log, "first");
  const auto leased = pool->Submit(Log, log, "leased");
  const auto last = pool->Submit(Log, log, "last");
  ReadFifo(fifo);
  EXPECT_TRUE(leased.Cancel());
  EXPECT_TRUE(leased.Ready());
  ExpectCancelled(leased, "before it began");
  EXPECT_TRUE(running.Cancel());
  EXPECT_TRUE(first.Get().ok());
  EXPECT_TRUE(last.Get().ok());
  EXPECT_THAT(ReadLines(log), ElementsAre("first", "last"));
}

TEST_P(TaskLifeTest, ManyQueuedTasksAreCancelled) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  pool->Submit(WaitForReader, fifo);
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 1000; ++i) futures.push_back(pool->Submit(SizeOf, "x"));
  for (size_t i = 0; i < futures.size(); ++i) {
    if (i % 5 == 0) continue;
    EXPECT_TRUE(futures[i].Cancel());
  }
  ReadFifo(fifo);
  for (size_t i = 0; i < futures.size(); ++i) {
    if (i % 5 == 0) {
      EXPECT_EQ(*futures[i].Get(), 1);
    } else {
      ExpectCancelled(futures[i], "before it began");
    }
  }
}

TEST_P(TaskLifeTest, ARunningTaskThatReturnsAValueKeepsIt) {
  const auto pool = MakePool(1);
  const int64_t pid = *pool->Submit(Pid).Get();
  const std::string fifo = NewFifo();
  const auto future = pool->Submit(Grace(absl::InfiniteDuration()), UntilTold,
                                   fifo, int{kReturn});
  ReadFifo(fifo);
  EXPECT_TRUE(future.Cancel());
  const absl::StatusOr<std::string> outcome = future.Get();
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(*outcome, "stopped");
  EXPECT_FALSE(*pool->Submit(IsCancelled).Get()) << "the next one is not";
  EXPECT_EQ(*pool->Submit(Pid).Get(), pid);
}

TEST_P(TaskLifeTest, ARunningTaskThatReturnsAnErrorIsCancelled) {
  const auto pool = MakePool(1);
  const int64_t pid = *pool->Submit(Pid).Get();
  const std::string fifo = NewFifo();
  TaskOptions options = Grace(absl::InfiniteDuration());
  options.max_attempts = 5;
  options.retry_errors = true;
  const auto future = pool->Submit(options, UntilTold, fifo, int{kFail});
  ReadFifo(fifo);
  EXPECT_TRUE(future.Cancel());
  ExpectCancelled(future, "ended with ABORTED: half done");
  EXPECT_EQ(*pool->Submit(Pid).Get(), pid);
}

TEST_P(TaskLifeTest, ARunningTaskThatDiesIsCancelled) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  TaskOptions options = Grace(absl::InfiniteDuration());
  options.max_attempts = 5;
  const auto future = pool->Submit(options, UntilTold, fifo, int{kDie});
  ReadFifo(fifo);
  EXPECT_TRUE(future.Cancel());
  ExpectCancelled(future, "it was cancelled; the worker");
}

TEST_P(TaskLifeTest, ARunningTaskThatDoesNotEndIsKilledAfterItsGrace) {
  for (const absl::Duration grace :
       {absl::ZeroDuration(), absl::Milliseconds(30)}) {
    const auto pool = MakePool(1);
    const std::string fifo = NewFifo();
    const auto future = pool->Submit(Grace(grace), Hang, fifo);
    const std::string pid = ReadFifo(fifo);
    EXPECT_TRUE(future.Cancel());
    ExpectCancelled(
        future, absl::StrCat("cancel_grace of ", absl::FormatDuration(grace)));
    EXPECT_EQ(absl::StrCat(GetTaskFailure(future.Get())->worker_pid()), pid);
    EXPECT_NE(absl::StrCat(*pool->Submit(Pid).Get()), pid);
  }
}

TEST_P(TaskLifeTest, ThePoolHasAGraceForAll) {
  ProcessPoolOptions options = Options(1);
  options.cancel_grace = absl::Milliseconds(20);
  const auto pool = MakePool(options);
  const std::string fifo = NewFifo();
  const auto future = pool->Submit(Hang, fifo);
  ReadFifo(fifo);
  EXPECT_TRUE(future.Cancel());
  ExpectCancelled(future, "cancel_grace of 20ms");
}

TEST_P(TaskLifeTest, CancelWakesAThreadInGet) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  const auto future = pool->Submit(Grace(absl::ZeroDuration()), Hang, fifo);
  std::thread waiter([&] { ExpectCancelled(future, "it was cancelled"); });
  ReadFifo(fifo);
  EXPECT_TRUE(future.Cancel());
  waiter.join();
}

TEST_P(TaskLifeTest, WhatHasAnOutcomeOrIsNoTaskIsNotCancelled) {
  auto pool = MakePool(1);
  const auto done = pool->Submit(Pid);
  ASSERT_TRUE(done.Get().ok());
  EXPECT_FALSE(done.Cancel());
  EXPECT_TRUE(done.Get().ok());
  EXPECT_FALSE(Future<int>().Cancel());
  const auto both = WhenAll(std::vector{done, pool->Submit(Pid)});
  EXPECT_FALSE(both.Cancel());
  EXPECT_TRUE(both.Get().ok());
  pool = nullptr;
  EXPECT_FALSE(done.Cancel());
}

TEST_P(TaskLifeTest, CancelPendingLeavesWhatRuns) {
  ProcessPoolOptions options = Options(1);
  options.max_leased_tasks = 2;
  const auto pool = MakePool(options);
  const std::string fifo = NewFifo();
  const std::string log = TempPath("log");
  const auto running = pool->Submit(UntilTold, fifo, int{kReturn});
  ReadFifo(fifo);
  std::vector<Future<void>> pending;
  for (int i = 0; i < 10; ++i) pending.push_back(pool->Submit(Log, log, "x"));
  EXPECT_EQ(pool->CancelPending(), 10);
  for (const auto& future : pending) {
    EXPECT_TRUE(future.Ready());
    ExpectCancelled(future, "before it began");
  }
  EXPECT_EQ(pool->CancelPending(), 0);
  EXPECT_FALSE(running.Ready());
  EXPECT_TRUE(running.Cancel());
  EXPECT_TRUE(running.Get().ok());
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  EXPECT_THAT(ReadLines(log), IsEmpty());
}

// ---- Soft timeouts ----

TEST_P(TaskLifeTest, ASoftTimeoutTellsTheTask) {
  const auto pool = MakePool(1);
  const int64_t pid = *pool->Submit(Pid).Get();
  TaskOptions options;
  options.soft_timeout = absl::Milliseconds(10);
  EXPECT_EQ(*pool->Submit(options, UntilSoftTimeout).Get(), "1");
  EXPECT_FALSE(*pool->Submit(IsCancelled).Get());
  EXPECT_EQ(*pool->Submit(Pid).Get(), pid);
}

TEST_P(TaskLifeTest, ThePoolHasASoftTimeoutForAll) {
  ProcessPoolOptions pool_options = Options(1);
  pool_options.task_soft_timeout = absl::Milliseconds(10);
  const auto pool = MakePool(pool_options);
  EXPECT_EQ(*pool->Submit(UntilSoftTimeout).Get(), "1");
  TaskOptions options;
  options.soft_timeout = absl::InfiniteDuration();
  const std::string fifo = NewFifo();
  const auto told = pool->Submit(options, UntilTold, fifo, int{kReturn});
  ReadFifo(fifo);
  EXPECT_FALSE(told.WaitWithTimeout(absl::Milliseconds(50)));
  EXPECT_TRUE(told.Cancel());
  EXPECT_EQ(*told.Get(), "stopped");
}

TEST_P(TaskLifeTest, TheTimeoutEndsATaskThatDoesNotListen) {
  const auto pool = MakePool(1);
  TaskOptions options;
  options.soft_timeout = absl::Milliseconds(5);
  options.timeout = absl::Milliseconds(30);
  const absl::Status status = pool->Submit(options, Pause).Get();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("timeout of 30ms"));
}

TEST_P(TaskLifeTest, ATaskKnowsItsDeadline) {
  const auto pool = MakePool(1);
  EXPECT_EQ(*pool->Submit(MillisecondsLeft).Get(), -1);
  TaskOptions options;
  options.timeout = absl::Hours(2);
  const int64_t hard = *pool->Submit(options, MillisecondsLeft).Get();
  EXPECT_GT(hard, absl::ToInt64Milliseconds(absl::Hours(1)));
  EXPECT_LE(hard, absl::ToInt64Milliseconds(absl::Hours(2)));
  options.soft_timeout = absl::Hours(1);
  const int64_t soft = *pool->Submit(options, MillisecondsLeft).Get();
  EXPECT_GT(soft, 0);
  EXPECT_LE(soft, absl::ToInt64Milliseconds(absl::Hours(1)));
}

// ---- Label and priority ----

TEST_P(TaskLifeTest, ALabelIsKnownToTheTaskAndInItsErrors) {
  const auto pool = MakePool(1);
  TaskOptions options;
  options.label = "May";
  EXPECT_EQ(*pool->Submit(options, Describe).Get(), "1 May 1 0");
  EXPECT_EQ(*pool->Submit(Describe).Get(), "1  1 0");
  const absl::Status status = pool->Submit(options, Die).Get();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(GetTaskFailure(status)->label(), "May");
  EXPECT_THAT(std::string(status.message()), HasSubstr("'Die' (May), attempt"));
  EXPECT_FALSE(CurrentTask().valid()) << "the test is no task";
  EXPECT_FALSE(CurrentTask().cancelled());
}

TEST_P(TaskLifeTest, TasksOfHigherPriorityStartFirst) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  const std::string log = TempPath("log");
  const auto running = pool->Submit(WaitForReader, fifo);
  for (const int priority : {0, -100, 100, 1, 0, 100}) {
    TaskOptions options;
    options.priority = priority;
    pool->Submit(options, Log, log, absl::StrCat(priority));
  }
  ReadFifo(fifo);
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_THAT(ReadLines(log), ElementsAre("100", "100", "1", "0", "0", "-100"));
}

TEST_P(TaskLifeTest, OptionsOutOfRangeAreRefused) {
  const auto pool = MakePool(1);
  const auto code = [&](const TaskOptions& options) {
    return StatusOf(pool->Submit(options, Pid)).code();
  };
  for (const int priority : {-101, 101}) {
    TaskOptions options;
    options.priority = priority;
    EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  }
  TaskOptions options;
  options.soft_timeout = absl::Seconds(-1);
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Grace(absl::Seconds(-1))), absl::StatusCode::kInvalidArgument);
  ProcessPoolOptions of_pool = Options(1);
  of_pool.cancel_grace = absl::Seconds(-1);
  EXPECT_EQ(ProcessPool::Create(of_pool).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// ---- Limits ----

TEST_P(TaskLifeTest, AFullQueueRejects) {
  ProcessPoolOptions options = Options(1);
  options.max_pending = 2;
  options.when_full = WhenFull::kReject;
  const auto pool = MakePool(options);
  const std::string fifo = NewFifo();
  const auto running = pool->Submit(WaitForReader, fifo);
  const auto queued = pool->Submit(Pid);
  const absl::Status status = StatusOf(pool->Submit(Pid));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("queue is full"));
  EXPECT_TRUE(queued.Cancel()) << "which makes room";
  const auto next = pool->Submit(Pid);
  ReadFifo(fifo);
  EXPECT_TRUE(next.Get().ok());
}

TEST_P(TaskLifeTest, BytesAreCountedUntilTheOutcomeIsThere) {
  ProcessPoolOptions options = Options(1);
  options.max_pending_bytes = 100'000;
  options.when_full = WhenFull::kReject;
  const auto pool = MakePool(options);
  const std::string fifo = NewFifo();
  const auto running = pool->Submit(WaitForReader, fifo);
  const auto great = pool->Submit(SizeOf, std::string(60'000, 'x'));
  const auto too_much = pool->Submit(SizeOf, std::string(60'000, 'x'));
  EXPECT_EQ(StatusOf(too_much).code(), absl::StatusCode::kResourceExhausted);
  const auto small = pool->Submit(SizeOf, std::string(20'000, 'x'));
  ReadFifo(fifo);
  EXPECT_EQ(*great.Get(), 60'000);
  EXPECT_EQ(*small.Get(), 20'000);
  EXPECT_TRUE(running.Get().ok());
  // More than the limit, alone.
  EXPECT_EQ(*pool->Submit(SizeOf, std::string(200'000, 'x')).Get(), 200'000);
  EXPECT_EQ(*pool->Submit(SizeOf, std::string(60'000, 'x')).Get(), 60'000);
}

TEST_P(TaskLifeTest, TheCallerRunsWhatFindsNoRoom) {
  ProcessPoolOptions options = Options(1);
  options.max_pending = 1;
  options.when_full = WhenFull::kCallerRuns;
  const auto pool = MakePool(options);
  const std::string fifo = NewFifo();
  const auto running = pool->Submit(WaitForReader, fifo);
  const auto here = pool->Submit(Pid);
  EXPECT_TRUE(here.Ready());
  EXPECT_EQ(*here.Get(), CurrentPid());
  const absl::Status own = StatusOf(pool->Submit(FailUntil, 2));
  EXPECT_EQ(own.code(), absl::StatusCode::kUnavailable) << own;
  EXPECT_TRUE(IsTaskError(own));
  ReadFifo(fifo);
  EXPECT_NE(*running.Get(), CurrentPid());
  EXPECT_NE(*pool->Submit(Pid).Get(), CurrentPid());
}

TEST_P(TaskLifeTest, SubmitWaitsForRoom) {
  ProcessPoolOptions options = Options(1);
  options.max_pending = 1;
  const auto pool = MakePool(options);
  const std::string fifo = NewFifo();
  const auto running = pool->Submit(WaitForReader, fifo);
  absl::Notification submitted;
  std::thread other([&] {
    const auto future = pool->Submit(Pid);
    submitted.Notify();
    EXPECT_TRUE(future.Get().ok());
  });
  // It must not come, and is given a moment to.
  EXPECT_FALSE(
      submitted.WaitForNotificationWithTimeout(absl::Milliseconds(30)));
  EXPECT_FALSE(running.Ready());
  ReadFifo(fifo);
  submitted.WaitForNotification();
  other.join();
}

TEST_P(TaskLifeTest, TasksThatNobodyWaitsForMakeRoom) {
  ProcessPoolOptions options = Options(1);
  options.max_pending = 1;
  const auto pool = MakePool(options);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(pool->Submit(Pid).Get().ok());
    pool->Submit(Pid);
    pool->Submit(Pid);
  }
}

TEST_P(TaskLifeTest, ManyThreadsGetThroughANarrowQueue) {
  ProcessPoolOptions options = Options(2);
  options.max_pending = 3;
  options.max_pending_bytes = 64;
  const auto pool = MakePool(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (size_t i = 0; i < 100; ++i) {
        const auto future = pool->Submit(SizeOf, std::string(i, 'x'));
        if (i % 3 > 0) continue;
        EXPECT_EQ(*future.Get(), static_cast<int64_t>(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
}

TEST_P(TaskLifeTest, TheEndOfThePoolWakesThoseWhoWaitForRoom) {
  for (const bool terminate : {false, true}) {
    ProcessPoolOptions options = Options(1);
    options.max_pending = 1;
    const auto pool = MakePool(options);
    const std::string fifo = NewFifo();
    const auto running = pool->Submit(WaitForReader, fifo);
    std::thread other([&] {
      const absl::Status status = StatusOf(pool->Submit(Pid));
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    });
    if (terminate) {
      pool->Terminate();
      other.join();
    } else {
      pool->Close();
      other.join();
      ReadFifo(fifo);
      EXPECT_TRUE(running.Get().ok());
    }
  }
}

TEST_P(TaskLifeTest, ACallbackDoesNotWaitForRoom) {
  ProcessPoolOptions options = Options(1);
  options.max_pending = 1;
  const auto pool = MakePool(options);
  const auto first = pool->Submit(Pid);
  ASSERT_TRUE(first.Get().ok());
  const std::string fifo = NewFifo();
  const auto running = pool->Submit(WaitForReader, fifo);
  absl::Notification done;
  first.OnDone([&](const absl::StatusOr<int64_t>&) {
    EXPECT_EQ(StatusOf(pool->Submit(Pid)).code(),
              absl::StatusCode::kResourceExhausted);
    done.Notify();
  });
  done.WaitForNotification();
  ReadFifo(fifo);
}

TEST_P(TaskLifeTest, MapsOfAllKindsGetThroughANarrowQueue) {
  ProcessPoolOptions options = Options(2);
  options.max_pending = 1;
  const auto pool = MakePool(options);
  const std::vector<std::string> texts(100, "abc");
  EXPECT_EQ(pool->Map(SizeOf, texts)->size(), 100);
  EXPECT_EQ(pool->MapAsync(SizeOf, texts).Get()->size(), 100);
  size_t count = 0;
  for (const auto& size : pool->IMapUnordered(SizeOf, texts)) {
    count += size.ok() ? 1 : 0;
  }
  EXPECT_EQ(count, 100);
}

// ---- Other attempts ----

TEST_P(TaskLifeTest, OwnErrorsAreTriedAgainIfWanted) {
  const auto pool = MakePool(1);
  TaskOptions options;
  options.max_attempts = 3;
  const absl::Status first = StatusOf(pool->Submit(options, FailUntil, 2));
  EXPECT_EQ(first.code(), absl::StatusCode::kUnavailable) << first;
  EXPECT_EQ(first.message(), "attempt 1") << "not unless they say so";
  EXPECT_TRUE(IsTaskError(first));
  options.retry_errors = true;
  EXPECT_EQ(*pool->Submit(options, FailUntil, 3).Get(), 3);
  const absl::Status status = StatusOf(pool->Submit(options, FailUntil, 4));
  EXPECT_TRUE(IsTaskError(status));
  EXPECT_EQ(status.message(), "attempt 3");
}

TEST_P(TaskLifeTest, CrashesAreTriedAgainUnlessUnwanted) {
  const auto pool = MakePool(1);
  TaskOptions options;
  options.max_attempts = 3;
  options.retry_errors = true;
  EXPECT_EQ(GetTaskFailure(StatusOf(pool->Submit(options, Die)))->attempt(), 3);
  options.retry_crashes = false;
  EXPECT_EQ(GetTaskFailure(StatusOf(pool->Submit(options, Die)))->attempt(), 1);
  EXPECT_EQ(*pool->Submit(options, FailUntil, 3).Get(), 3);
}

// However it came to it, and whoever else has had such a task.
TEST_P(TaskLifeTest, AnOwnErrorTellsWhoseItIs) {
  const auto pool = MakePool(1);
  const int64_t pid = *pool->Submit(Pid).Get();
  TaskOptions options;
  options.label = "May";
  options.max_attempts = 2;
  options.retry_errors = true;
  const absl::Status status = StatusOf(pool->Submit(options, FailUntil, 3));
  EXPECT_TRUE(IsTaskError(status));
  EXPECT_EQ(GetTaskFailure(status), std::nullopt);
  const std::optional<TaskFailure> source = GetTaskErrorSource(status);
  ASSERT_TRUE(source.has_value()) << status;
  EXPECT_EQ(source->function(), "FailUntil");
  EXPECT_EQ(source->label(), "May");
  EXPECT_EQ(source->attempt(), 2);
  EXPECT_EQ(source->worker_pid(), pid);
  EXPECT_EQ(source->worker_id(), pool->WorkerIds().front());
  EXPECT_GT(source->task_id(), 0u);
  EXPECT_FALSE(source->has_exit_code());
  EXPECT_EQ(GetTaskErrorSource(StatusOf(pool->Submit(Die))), std::nullopt);
}

TEST_P(TaskLifeTest, TimeoutsAreTriedAgainIfWanted) {
  const auto pool = MakePool(1);
  TaskOptions options;
  options.max_attempts = 2;
  options.timeout = absl::Milliseconds(300);
  const absl::Status status = StatusOf(pool->Submit(options, HangUntil, 2));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_EQ(GetTaskFailure(status)->attempt(), 1);
  options.retry_timeouts = true;
  const absl::StatusOr<int> second = pool->Submit(options, HangUntil, 2).Get();
  EXPECT_TRUE(second.ok()) << second.status();
  const absl::Status last = StatusOf(pool->Submit(options, HangUntil, 3));
  EXPECT_EQ(last.code(), absl::StatusCode::kDeadlineExceeded) << last;
  EXPECT_EQ(GetTaskFailure(last)->attempt(), 2);
}

// ---- Progress ----

TEST_P(TaskLifeTest, ProgressComesInOrderAndBeforeTheOutcome) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  pool->Submit(WaitForReader, fifo);
  const std::vector<std::string> messages = {"a", "", std::string(32768, 'b'),
                                             std::string("\0c", 2)};
  const auto future = pool->Submit(Report, messages);
  std::vector<std::string> heard;
  future.OnProgress(
      [&](absl::string_view message) { heard.emplace_back(message); });
  absl::Notification done;
  future.OnDone([&](const absl::StatusOr<int>&) { done.Notify(); });
  ReadFifo(fifo);
  EXPECT_EQ(*future.Get(), 4);
  done.WaitForNotification();
  EXPECT_TRUE(heard == messages) << heard.size();
}

TEST_P(TaskLifeTest, ProgressMayBeMuch) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  pool->Submit(WaitForReader, fifo);
  const auto future = pool->Submit(ReportPairs, 20'000);
  std::vector<std::pair<int, int>> heard;
  future.OnProgress<std::pair<int, int>>(
      [&](const std::pair<int, int>& pair) { heard.push_back(pair); });
  absl::Notification done;
  future.OnDone([&](const absl::StatusOr<int>&) { done.Notify(); });
  ReadFifo(fifo);
  EXPECT_EQ(*future.Get(), 20'000);
  done.WaitForNotification();
  ASSERT_EQ(heard.size(), 20'000);
  for (int i = 0; i < 20'000; ++i) EXPECT_EQ(heard[i].first, i);
}

TEST_P(TaskLifeTest, WhatNobodyListensToIsNotSent) {
  const auto pool = MakePool(1);
  EXPECT_EQ(*pool->Submit(Report, std::vector<std::string>{"a", "b"}).Get(), 0);
  const std::string fifo = NewFifo();
  pool->Submit(WaitForReader, fifo);
  const auto too_long =
      pool->Submit(Report, std::vector<std::string>{std::string(32769, 'x')});
  too_long.OnProgress([](absl::string_view) { ADD_FAILURE(); });
  ReadFifo(fifo);
  EXPECT_EQ(*too_long.Get(), 0);
  EXPECT_FALSE(CurrentTask().ReportProgress("not a task"));
}

TEST_P(TaskLifeTest, AListenerMayComeWhileTheTaskRuns) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  const std::string second = NewFifo();
  const auto future = pool->Submit(ReportAfter, fifo, second);
  ReadFifo(fifo);
  std::string heard;
  future.OnProgress(
      [&](absl::string_view message) { heard = std::string(message); });
  ReadFifo(second);
  absl::Notification done;
  future.OnDone([&](const absl::StatusOr<int>&) { done.Notify(); });
  EXPECT_EQ(*future.Get(), 1);
  done.WaitForNotification();
  EXPECT_EQ(heard, "late");
}

// ---- The end of the pool ----

TEST_P(TaskLifeTest, DrainRunsWhatHasTime) {
  const auto pool = MakePool(2);
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool->Submit(SizeOf, "x"));
  const absl::StatusOr<size_t> ended = pool->Drain(absl::InfiniteDuration());
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(*ended, 0);
  for (const auto& future : futures) EXPECT_EQ(*future.Get(), 1);
  EXPECT_EQ(StatusOf(pool->Submit(Pid)).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_P(TaskLifeTest, DrainEndsWhatHasNoTime) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  const auto done = pool->Submit(Pid);
  const auto running = pool->Submit(Hang, fifo);
  const auto queued = pool->Submit(Pid);
  const auto cancelled = pool->Submit(Pid);
  ReadFifo(fifo);
  EXPECT_TRUE(cancelled.Cancel());
  const absl::StatusOr<size_t> ended = pool->Drain(absl::Milliseconds(10));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(*ended, 2) << "the one that ran, and the one that waited";
  EXPECT_TRUE(done.Get().ok());
  ExpectCancelled(running, "had not ended within 10ms");
  EXPECT_EQ(StatusOf(queued).code(), absl::StatusCode::kCancelled);
}

TEST_P(TaskLifeTest, JoinMayHaveATimeout) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  pool->Submit(WaitForReader, fifo);
  EXPECT_EQ(pool->Join(absl::ZeroDuration()).code(),
            absl::StatusCode::kFailedPrecondition);
  pool->Close();
  EXPECT_EQ(pool->Join(absl::Milliseconds(10)).code(),
            absl::StatusCode::kDeadlineExceeded);
  ReadFifo(fifo);
  EXPECT_TRUE(pool->Join(absl::InfiniteDuration()).ok());
}

TEST_P(TaskLifeTest, JoinWithATimeoutWaitsForCallbacksToo) {
  const auto pool = MakePool(1);
  absl::Notification begun;
  absl::Notification go_on;
  pool->Submit(Pid).OnDone([&](const absl::StatusOr<int64_t>&) {
    begun.Notify();
    go_on.WaitForNotification();
  });
  begun.WaitForNotification();
  pool->Close();
  EXPECT_EQ(pool->Join(absl::Milliseconds(200)).code(),
            absl::StatusCode::kDeadlineExceeded);
  go_on.Notify();
  EXPECT_TRUE(pool->Join().ok());
}

// ---- Callbacks ----

TEST_P(TaskLifeTest, CallbacksRunWhereTheCallerSays) {
  const auto pool = MakePool(1);
  std::function<void()> work;
  absl::Notification passed;
  std::optional<int64_t> pid;
  const auto future = pool->Submit(Pid);
  future.OnDone([&](const absl::StatusOr<int64_t>& outcome) { pid = *outcome; },
                [&](std::function<void()> run) {
                  work = std::move(run);
                  passed.Notify();
                });
  passed.WaitForNotification();
  EXPECT_FALSE(pid.has_value());
  work();
  EXPECT_EQ(pid, *future.Get());
}

TEST_P(TaskLifeTest, CallbacksOfEachKindRunWhereTheCallerSays) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  pool->Submit(WaitForReader, fifo);
  absl::Mutex mutex;
  std::vector<std::function<void()>> work;
  const auto run = [&](std::function<void()> what) {
    absl::MutexLock lock(&mutex);
    work.push_back(std::move(what));
  };
  std::vector<std::string> heard;
  const auto progress = pool->Submit(Report, std::vector<std::string>{"a"});
  progress.OnProgress([&](absl::string_view text) { heard.emplace_back(text); },
                      run);
  progress.OnProgress<std::pair<int, int>>(
      [](const std::pair<int, int>&) { ADD_FAILURE() << "it is none"; }, run);
  for (const int good : {1, 2}) {
    const auto future = pool->Submit(FailUntil, good);
    future.OnSuccess([&](int n) { heard.push_back(absl::StrCat(n)); }, run);
    future.OnError(
        [&](const absl::Status& status) {
          heard.push_back(absl::StatusCodeToString(status.code()));
        },
        run);
  }
  const auto nothing = pool->Submit(Log, TempPath("log"), "line");
  nothing.OnSuccess([&] { heard.push_back("done"); }, run);
  ReadFifo(fifo);
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_THAT(heard, IsEmpty());
  for (const std::function<void()>& what : work) what();
  EXPECT_THAT(heard, ElementsAre("a", "1", "UNAVAILABLE", "done"));
}

TEST_P(TaskLifeTest, SuccessAndErrorHaveCallbacksOfTheirOwn) {
  const auto pool = MakePool(1);
  absl::Mutex mutex;
  std::vector<std::string> heard;
  const auto note = [&](const std::string& what) {
    absl::MutexLock lock(&mutex);
    heard.push_back(what);
  };
  for (const int good : {1, 2}) {
    const auto future = pool->Submit(FailUntil, good);
    future.OnSuccess([=](int n) { note(absl::StrCat("value ", n)); });
    future.OnError([=](const absl::Status& status) {
      note(absl::StatusCodeToString(status.code()));
    });
  }
  const auto nothing = pool->Submit(Log, TempPath("log"), "line");
  nothing.OnSuccess([=] { note("done"); });
  nothing.OnError([](const absl::Status&) { ADD_FAILURE(); });
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_THAT(heard, ElementsAre("value 1", "UNAVAILABLE", "done"));
}

MULTIPROC_FOR_EVERY_BACKEND(TaskLifeTest);

}  // namespace
}  // namespace multiproc
