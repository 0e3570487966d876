// What ProcessPool::Stats counts, on every backend, and with workers that do
// what no real one does.

#include "multiproc/pool/pool_stats.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/current_task.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/pool/resident_memory.h"
#include "tests/backends.h"
#include "tests/new_fifo.h"
#include "tests/scripted_worker.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// ---- Tasks ----

int64_t Pid() { return CurrentPid(); }
MULTIPROC_FUNCTION(Pid);

std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

absl::Status Fail() { return absl::CancelledError("its own"); }
MULTIPROC_FUNCTION(Fail);

void Die() { DieBySignal(kSigKill); }
MULTIPROC_FUNCTION(Die);

absl::StatusOr<int> FailUntil(int good) {
  const int attempt = CurrentTask().attempt();
  if (attempt >= good) return attempt;
  return absl::UnavailableError(absl::StrCat("attempt ", attempt));
}
MULTIPROC_FUNCTION(FailUntil);

int DieUntil(int good) {
  const int attempt = CurrentTask().attempt();
  if (attempt < good) DieBySignal(kSigKill);
  return attempt;
}
MULTIPROC_FUNCTION(DieUntil);

void Hang() { PauseForEver(); }
MULTIPROC_FUNCTION(Hang);

// Tells the test that it runs, and never ends.
void HangAt(const std::string& fifo) {
  WriteFifo(fifo, "");
  PauseForEver();
}
MULTIPROC_FUNCTION(HangAt);

// Tells the test that it runs, and ends when the test reads the second one.
void PassGates(const std::string& begun, const std::string& end) {
  WriteFifo(begun, "");
  WriteFifo(end, "");
}
MULTIPROC_FUNCTION(PassGates);

// Returns once it is told to end.
void AwaitNotice(const std::string& fifo) {
  WriteFifo(fifo, "");
  const CurrentTask task;
  while (!task.cancelled()) absl::SleepFor(absl::Milliseconds(1));
}
MULTIPROC_FUNCTION(AwaitNotice);

absl::Status Refuse() { return absl::NotFoundError("no model here"); }
MULTIPROC_FUNCTION(Refuse);

// ---- The fixture ----

// What holds at any moment.
void ExpectConsistent(const PoolStats& stats) {
  const TaskCounts& tasks = stats.tasks;
  EXPECT_EQ(tasks.submitted, tasks.Ended() + tasks.Pending());
  EXPECT_EQ(stats.latency.count(), tasks.Ended());
  const WorkerCounts& workers = stats.workers;
  EXPECT_EQ(workers.starting + workers.idle + workers.busy + workers.spare +
                workers.leaving,
            stats.each_worker.size());
  EXPECT_EQ(workers.started,
            stats.each_worker.size() + stats.worker_ends.Total());
  size_t leased = 0;
  for (const WorkerStats& worker : stats.each_worker) {
    leased += worker.tasks_leased;
  }
  EXPECT_EQ(tasks.leased, leased);
  EXPECT_FALSE(tasks.queued == 0 && tasks.queued_bytes > 0);
}

PoolStats StatsOf(ProcessPool& pool) {
  PoolStats stats = pool.Stats();
  ExpectConsistent(stats);
  return stats;
}

PoolStats StatsOfEnded(ProcessPool& pool) {
  pool.Close();
  pool.Join().IgnoreError();
  PoolStats stats = StatsOf(pool);
  EXPECT_EQ(stats.tasks.Pending(), 0u);
  EXPECT_TRUE(stats.each_worker.empty());
  return stats;
}

// Waits until they are as `wanted`; the test hangs, and says where, if that
// never comes.
PoolStats Await(ProcessPool& pool,
                const std::function<bool(const PoolStats&)>& wanted) {
  PoolStats stats = StatsOf(pool);
  while (!wanted(stats)) {
    absl::SleepFor(absl::Milliseconds(1));
    stats = StatsOf(pool);
  }
  return stats;
}

std::unique_ptr<ProcessPool> MakePool(const ProcessPoolOptions& options) {
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  EXPECT_TRUE(pool.ok()) << pool.status();
  return pool.ok() ? *std::move(pool) : nullptr;
}

class PoolStatsTest : public BackendTest {
 protected:
  ProcessPoolOptions Options(int num_workers) {
    ProcessPoolOptions options;
    options.num_workers = num_workers;
    options.executor = &executor();
    return options;
  }
};

TaskOptions Attempts(int max_attempts) {
  TaskOptions options;
  options.max_attempts = max_attempts;
  return options;
}

// ---- Tasks by their outcomes ----

TEST_P(PoolStatsTest, ANewPoolHasItsWorkersAndNothingElse) {
  const auto pool = MakePool(Options(3));
  const PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.submitted, 0u);
  EXPECT_EQ(stats.tasks.refused, 0u);
  EXPECT_EQ(stats.workers.started, 3u);
  EXPECT_EQ(stats.workers.refused_starts, 0u);
  EXPECT_EQ(stats.workers.starting + stats.workers.idle, 3u);
  ASSERT_EQ(stats.each_worker.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const WorkerStats& worker = stats.each_worker[i];
    EXPECT_EQ(worker.id, i + 1);
    EXPECT_TRUE(IsAlive(worker.pid));
    EXPECT_EQ(worker.tasks_done, 0u);
    EXPECT_EQ(worker.running_task_id, 0u);
    EXPECT_GE(worker.age, absl::ZeroDuration());
  }
  EXPECT_EQ(stats.run_time.count(), 0u);
  EXPECT_EQ(stats.bytes_sent, 0u);
}

TEST_P(PoolStatsTest, SparesAreAStateOfTheirOwn) {
  ProcessPoolOptions options = Options(1);
  options.spare_workers = 1;
  const auto pool = MakePool(options);
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  Await(*pool, [](const PoolStats& s) {
    return s.workers.idle == 1 && s.workers.spare == 1;
  });
  EXPECT_EQ(StatsOfEnded(*pool).worker_ends.closed, 2u);
}

TEST_P(PoolStatsTest, SuccessesAndOwnErrorsAreCounted) {
  const auto pool = MakePool(Options(1));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(pool->Submit(Same, "x").Get().ok());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(pool->Submit(Fail).Get().ok());
  const PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.submitted, 8u);
  EXPECT_EQ(stats.tasks.succeeded, 5u);
  EXPECT_EQ(stats.tasks.failed, 3u) << "though its code is CANCELLED";
  EXPECT_EQ(stats.run_time.count(), 8u);
  EXPECT_EQ(stats.workers.idle, 1u);
  ASSERT_EQ(stats.each_worker.size(), 1u);
  EXPECT_EQ(stats.each_worker[0].state, WorkerState::kIdle);
  EXPECT_EQ(stats.each_worker[0].tasks_done, 8u);
  EXPECT_EQ(stats.each_worker[0].pid, *pool->Submit(Pid).Get());
}

TEST_P(PoolStatsTest, NobodyNeedWaitForATaskToSeeItsEnd) {
  const auto pool = MakePool(Options(1));
  pool->Submit(Pid).Get().IgnoreError();
  // To an idle worker, by this thread.
  const auto future = pool->Submit(Pid);
  Await(*pool, [](const PoolStats& s) { return s.tasks.succeeded == 2; });
}

TEST_P(PoolStatsTest, ACrashIsALostTaskAndAnEndOfAWorker) {
  const auto pool = MakePool(Options(1));
  const absl::Status status = pool->Submit(Die).Get();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.lost, 1u);
  EXPECT_EQ(stats.worker_ends.crashed, 1u);
  EXPECT_EQ(stats.run_time.count(), 0u);
  const std::optional<TaskFailure> failure = GetTaskFailure(status);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->worker_id(), 1u);
  EXPECT_EQ(stats.worker_ends.oom_killed, failure->oom_killed() ? 1u : 0u);
  EXPECT_EQ(failure->oom_killed(),
            absl::StrContains(status.message(), "out-of-memory killer"));
  EXPECT_FALSE(is_windows() && failure->has_oom_killed());
  // The next one is another.
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  stats = StatsOf(*pool);
  EXPECT_EQ(stats.workers.started, 2u);
  ASSERT_EQ(stats.each_worker.size(), 1u);
  EXPECT_EQ(stats.each_worker[0].id, 2u);
}

TEST_P(PoolStatsTest, OtherAttemptsAreRetriesOfOneTask) {
  const auto pool = MakePool(Options(1));
  EXPECT_EQ(*pool->Submit(Attempts(5), DieUntil, 3).Get(), 3);
  EXPECT_FALSE(pool->Submit(Attempts(2), Die).Get().ok());
  TaskOptions own = Attempts(4);
  own.retry_errors = true;
  EXPECT_EQ(*pool->Submit(own, FailUntil, 3).Get(), 3);
  const PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.submitted, 3u);
  EXPECT_EQ(stats.tasks.succeeded, 2u);
  EXPECT_EQ(stats.tasks.lost, 1u);
  EXPECT_EQ(stats.tasks.failed, 0u);
  EXPECT_EQ(stats.tasks.retries, 2u + 1u + 2u);
  EXPECT_EQ(stats.worker_ends.crashed, 2u + 2u);
  EXPECT_EQ(stats.run_time.count(), 1u + 3u);
}

TEST_P(PoolStatsTest, TimeoutsAreCounted) {
  const auto pool = MakePool(Options(1));
  TaskOptions options = Attempts(2);
  options.timeout = absl::Milliseconds(20);
  EXPECT_FALSE(pool->Submit(options, Hang).Get().ok());
  PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.timed_out, 1u);
  EXPECT_EQ(stats.tasks.retries, 0u);
  EXPECT_EQ(stats.worker_ends.timed_out, 1u);
  options.retry_timeouts = true;
  EXPECT_FALSE(pool->Submit(options, Hang).Get().ok());
  stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.timed_out, 2u);
  EXPECT_EQ(stats.tasks.retries, 1u);
  EXPECT_EQ(stats.worker_ends.timed_out, 3u);
  EXPECT_EQ(stats.worker_ends.crashed, 0u);
}

TEST_P(PoolStatsTest, CancelledTasksAreCounted) {
  ProcessPoolOptions pool_options = Options(1);
  pool_options.max_leased_tasks = 1;
  const auto pool = MakePool(pool_options);
  TaskOptions options;
  options.cancel_grace = absl::ZeroDuration();
  const std::string fifo = NewFifo();
  const auto running = pool->Submit(options, HangAt, fifo);
  const auto queued = pool->Submit(Pid);
  pool->Submit(Pid);
  pool->Submit(Pid);
  ReadFifo(fifo);
  EXPECT_TRUE(queued.Cancel());
  PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.cancelled, 1u);
  EXPECT_EQ(stats.tasks.queued, 2u);
  EXPECT_EQ(pool->CancelPending(), 2u);
  EXPECT_EQ(StatsOf(*pool).tasks.cancelled, 3u);
  EXPECT_TRUE(running.Cancel());
  EXPECT_FALSE(running.Get().ok());
  stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.cancelled, 4u);
  EXPECT_EQ(stats.worker_ends.cancelled, 1u);
  EXPECT_EQ(stats.latency.count(), 4u);
}

TEST_P(PoolStatsTest, ATaskThatWasToldToEndAndReturnsHasSucceeded) {
  const auto pool = MakePool(Options(1));
  const std::string fifo = NewFifo();
  const auto future = pool->Submit(AwaitNotice, fifo);
  ReadFifo(fifo);
  EXPECT_TRUE(future.Cancel());
  EXPECT_TRUE(future.Get().ok());
  const PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.succeeded, 1u);
  EXPECT_EQ(stats.tasks.cancelled, 0u);
}

TEST_P(PoolStatsTest, TerminateCutsOffWhatHasNoOutcome) {
  ProcessPoolOptions options = Options(2);
  options.max_leased_tasks = 1;
  const auto pool = MakePool(options);
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  const std::string fifo = NewFifo();
  pool->Submit(HangAt, fifo);
  ReadFifo(fifo);
  pool->Submit(HangAt, NewFifo());
  pool->Submit(Pid);
  pool->Submit(Pid);
  pool->Terminate();
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.tasks.submitted, 5u);
  EXPECT_EQ(stats.tasks.succeeded, 1u);
  EXPECT_EQ(stats.tasks.cut_off, 4u);
  EXPECT_EQ(stats.tasks.cancelled, 0u);
  EXPECT_EQ(stats.worker_ends.terminated, 2u);
}

TEST_P(PoolStatsTest, WhatThePoolHasNotTakenIsNotSubmitted) {
  ProcessPoolOptions options = Options(1);
  options.max_pending = 1;
  options.when_full = WhenFull::kReject;
  const auto pool = MakePool(options);
  const std::string begun = NewFifo();
  const std::string end = NewFifo();
  const auto running = pool->Submit(PassGates, begun, end);
  ReadFifo(begun);
  EXPECT_FALSE(pool->Submit(Pid).Get().ok()) << "full";
  EXPECT_FALSE(pool->Submit(Attempts(-1), Pid).Get().ok());
  ReadFifo(end);
  EXPECT_TRUE(running.Get().ok());
  pool->Close();
  EXPECT_FALSE(pool->Submit(Pid).Get().ok()) << "closed";
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.tasks.submitted, 1u);
  EXPECT_EQ(stats.tasks.succeeded, 1u);
  EXPECT_EQ(stats.tasks.refused, 3u);
  EXPECT_EQ(stats.tasks.run_by_caller, 0u);
}

TEST_P(PoolStatsTest, WhatCallersRunIsNotSubmitted) {
  ProcessPoolOptions options = Options(1);
  options.max_pending = 1;
  options.when_full = WhenFull::kCallerRuns;
  const auto pool = MakePool(options);
  const std::string begun = NewFifo();
  const std::string end = NewFifo();
  const auto running = pool->Submit(PassGates, begun, end);
  ReadFifo(begun);
  EXPECT_EQ(*pool->Submit(Pid).Get(), CurrentPid());
  ReadFifo(end);
  EXPECT_TRUE(running.Get().ok());
  const PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.submitted, 1u);
  EXPECT_EQ(stats.tasks.run_by_caller, 1u);
  EXPECT_EQ(stats.tasks.refused, 0u);
}

TEST_P(PoolStatsTest, AChunkAndABroadcastAreTasks) {
  const auto pool = MakePool(Options(2));
  MapOptions options;
  options.chunk_size = 10;
  const std::vector<std::string> items(35, "x");
  EXPECT_TRUE(pool->Map(options, Same, items).ok());
  EXPECT_EQ(StatsOf(*pool).tasks.succeeded, 4u);
  const auto futures = pool->Broadcast(Pid);
  ASSERT_TRUE(futures.ok()) << futures.status();
  for (const auto& future : *futures) EXPECT_TRUE(future.Get().ok());
  const PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.submitted, 6u);
  EXPECT_EQ(stats.tasks.succeeded, 6u);
}

// ---- One moment ----

TEST_P(PoolStatsTest, ASnapshotShowsWhatRunsAndWhatWaits) {
  ProcessPoolOptions options = Options(1);
  options.max_leased_tasks = 1;
  const auto pool = MakePool(options);
  const std::string begun = NewFifo();
  const std::string end = NewFifo();
  const auto running = pool->Submit(PassGates, begun, end);
  ReadFifo(begun);
  // The last one is great enough to be sent apart.
  std::vector<Future<std::string>> futures;
  uint64_t bytes = 0;
  for (const size_t size : {0, 1000, 1000, 300'000}) {
    const std::string text(size, 'x');
    bytes += PackCall(Same, text)->size();
    futures.push_back(pool->Submit(Same, text));
  }
  PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.submitted, 5u);
  EXPECT_EQ(stats.tasks.queued, 4u);
  EXPECT_EQ(stats.tasks.queued_bytes, bytes);
  EXPECT_EQ(stats.tasks.leased, 1u);
  EXPECT_EQ(stats.tasks.Pending(), 5u);
  EXPECT_EQ(stats.tasks.Ended(), 0u);
  EXPECT_EQ(stats.workers.busy, 1u);
  ASSERT_EQ(stats.each_worker.size(), 1u);
  EXPECT_EQ(stats.each_worker[0].state, WorkerState::kBusy);
  EXPECT_EQ(stats.each_worker[0].tasks_leased, 1u);
  EXPECT_EQ(stats.each_worker[0].running_task_id, 1u);
  ReadFifo(end);
  EXPECT_TRUE(running.Get().ok());
  for (const auto& future : futures) EXPECT_TRUE(future.Get().ok());
  stats = StatsOf(*pool);
  EXPECT_EQ(stats.tasks.succeeded, 5u);
  EXPECT_EQ(stats.tasks.Pending(), 0u);
  EXPECT_EQ(stats.each_worker[0].running_task_id, 0u);
}

TEST_P(PoolStatsTest, AWorkerThatEndsItsLastTaskIsLeaving) {
  const auto pool = MakePool(Options(1));
  const std::string begun = NewFifo();
  const std::string end = NewFifo();
  const auto running = pool->Submit(PassGates, begun, end);
  ReadFifo(begun);
  EXPECT_TRUE(pool->RestartWorkers().ok());
  PoolStats stats =
      Await(*pool, [](const PoolStats& s) { return s.workers.leaving == 1; });
  EXPECT_EQ(stats.each_worker[0].running_task_id, 1u);
  ReadFifo(end);
  EXPECT_TRUE(running.Get().ok());
  stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.worker_ends.restarted, 1u);
}

TEST_P(PoolStatsTest, SumsAreExactAtAnyMoment) {
  ProcessPoolOptions options = Options(3);
  options.max_attempts = 2;
  const auto pool = MakePool(options);
  constexpr int kTasks = 300;
  for (int i = 0; i < kTasks; ++i) {
    if (i % 50 == 7) {
      pool->Submit(DieUntil, 2);
    } else if (i % 5 == 1) {
      pool->Submit(Fail);
    } else {
      pool->Submit(Same, std::string(static_cast<size_t>(i), 'x'));
    }
    EXPECT_EQ(StatsOf(*pool).tasks.submitted, static_cast<uint64_t>(i + 1));
  }
  Await(*pool, [](const PoolStats& s) { return s.tasks.Pending() == 0; });
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.tasks.failed, 60u);
  EXPECT_EQ(stats.tasks.succeeded, 240u);
  EXPECT_EQ(stats.tasks.retries, 6u);
  EXPECT_EQ(stats.worker_ends.crashed, 6u);
}

// No worker is started meanwhile: fork refuses that beside other threads.
TEST_P(PoolStatsTest, AnyThreadMayAsk) {
  const auto pool = MakePool(Options(2));
  std::atomic<bool> stop{false};
  std::thread watcher([&] {
    while (!stop) StatsOf(*pool);
  });
  std::thread submitter([&] {
    for (int i = 0; i < 500; ++i) pool->Submit(Same, "x");
  });
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(pool->Submit(Fail).Get().ok());
  submitter.join();
  const PoolStats stats = StatsOfEnded(*pool);
  stop = true;
  watcher.join();
  EXPECT_EQ(stats.tasks.submitted, 600u);
  EXPECT_EQ(stats.tasks.succeeded, 500u);
  EXPECT_EQ(stats.tasks.failed, 100u);
}

// ---- Times and bytes ----

TEST_P(PoolStatsTest, ATaskTakesNoLongerToRunThanToEnd) {
  const auto pool = MakePool(Options(1));
  EXPECT_TRUE(pool->Submit(Same, "x").Get().ok());
  const PoolStats stats = StatsOf(*pool);
  EXPECT_EQ(stats.latency.count(), 1u);
  EXPECT_EQ(stats.run_time.count(), 1u);
  EXPECT_GT(stats.latency.Max(), absl::ZeroDuration());
  EXPECT_LE(stats.run_time.Max(), stats.latency.Max());
  EXPECT_EQ(stats.latency.Quantile(0.5), stats.latency.Max());
}

TEST_P(PoolStatsTest, ALatencyHasAllAttempts) {
  const auto pool = MakePool(Options(1));
  TaskOptions options = Attempts(2);
  options.timeout = absl::Milliseconds(30);
  options.retry_timeouts = true;
  EXPECT_FALSE(pool->Submit(options, Hang).Get().ok());
  EXPECT_GE(StatsOf(*pool).latency.Max(), 2 * options.timeout);
}

TEST_P(PoolStatsTest, BytesAreThoseOfTheChannels) {
  constexpr size_t kSize = 500'000;
  const auto pool = MakePool(Options(1));
  const std::string text(kSize, 'x');
  EXPECT_TRUE(pool->Submit(Same, text).Get().ok());
  const PoolStats before = StatsOf(*pool);
  EXPECT_GE(before.bytes_sent, kSize);
  EXPECT_LT(before.bytes_sent, kSize + 1000);
  EXPECT_GE(before.bytes_received, kSize);
  EXPECT_LT(before.bytes_received, kSize + 1000);
  // What went to and came from one that is gone stays.
  EXPECT_FALSE(pool->Submit(Die).Get().ok());
  EXPECT_TRUE(pool->Submit(Same, text).Get().ok());
  const PoolStats after = StatsOf(*pool);
  EXPECT_GE(after.bytes_sent, before.bytes_sent + kSize);
  EXPECT_GE(after.bytes_received, before.bytes_received + kSize);
}

// ---- Why workers end ----

TEST_P(PoolStatsTest, CloseEndsThemAll) {
  const auto pool = MakePool(Options(2));
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.worker_ends.closed, 2u);
  EXPECT_EQ(stats.workers.started, 2u);
}

TEST_P(PoolStatsTest, TheLastTaskEndsAWorker) {
  ProcessPoolOptions options = Options(1);
  options.max_tasks_per_worker = 2;
  const auto pool = MakePool(options);
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.worker_ends.max_tasks, 3u);
  EXPECT_EQ(stats.worker_ends.closed, stats.workers.started - 3);
}

TEST_P(PoolStatsTest, ItsMemoryEndsAWorker) {
  if (!ResidentBytes().has_value()) {
    GTEST_SKIP() << "this system does not tell how much memory a process has";
  }
  ProcessPoolOptions options = Options(1);
  options.max_worker_memory_bytes = 1;
  const auto pool = MakePool(options);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.worker_ends.max_memory, 2u);
}

TEST_P(PoolStatsTest, ItsAgeEndsAWorker) {
  ProcessPoolOptions options = Options(1);
  options.max_worker_age = absl::Milliseconds(1);
  const auto pool = MakePool(options);
  Await(*pool, [](const PoolStats& s) { return s.worker_ends.max_age >= 2; });
}

TEST_P(PoolStatsTest, RestartWorkersEndsEachOnce) {
  const auto pool = MakePool(Options(2));
  EXPECT_TRUE(pool->RestartWorkers().ok());
  Await(*pool, [](const PoolStats& s) { return s.worker_ends.restarted == 2; });
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.worker_ends.restarted, 2u);
  EXPECT_EQ(stats.worker_ends.closed, 2u);
}

TEST_P(PoolStatsTest, IdleWorkersEnd) {
  ProcessPoolOptions options = Options(2);
  options.min_workers = 0;
  options.idle_timeout = absl::Milliseconds(1);
  const auto pool = MakePool(options);
  EXPECT_EQ(StatsOf(*pool).workers.started, 0u);
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  const PoolStats stats =
      Await(*pool, [](const PoolStats& s) { return s.each_worker.empty(); });
  EXPECT_EQ(stats.worker_ends.idle, stats.workers.started);
}

TEST_P(PoolStatsTest, ResizeEndsThoseThatAreTooMany) {
  const auto pool = MakePool(Options(3));
  EXPECT_TRUE(pool->Resize(1).ok());
  Await(*pool, [](const PoolStats& s) { return s.each_worker.size() == 1; });
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.worker_ends.resized, 2u);
  EXPECT_EQ(stats.worker_ends.closed, 1u);
}

TEST_P(PoolStatsTest, AnInitializersErrorEndsAWorkerBeforeItIsReady) {
  ProcessPoolOptions options = Options(1);
  options.initializer = WorkerHook::Of(Refuse);
  const auto pool = MakePool(options);
  EXPECT_FALSE(pool->Submit(Pid).Get().ok());
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_EQ(stats.worker_ends.not_ready, 1u);
  EXPECT_EQ(stats.workers.started, 1u);
  EXPECT_EQ(stats.tasks.submitted + stats.tasks.refused, 1u);
  EXPECT_EQ(stats.tasks.cut_off, stats.tasks.submitted);
}

TEST_P(PoolStatsTest, WorkersThatDieAtTheirStartAreNeverReady) {
  ProcessPoolOptions options = Options(1);
  options.initializer = WorkerHook::Of(Die);
  const auto pool = MakePool(options);
  EXPECT_FALSE(pool->Submit(Pid).Get().ok());
  const PoolStats stats = StatsOfEnded(*pool);
  EXPECT_GE(stats.worker_ends.not_ready, 5u);
  EXPECT_EQ(stats.worker_ends.crashed, 0u);
}

MULTIPROC_FOR_EVERY_BACKEND(PoolStatsTest);

// ---- Scripted ----

// Refuses some starts.
class RefusingExecutor : public ScriptedExecutor {
 public:
  absl::StatusOr<Process> Spawn(const Command& command) override {
    if (refusals_ > 0) {
      --refusals_;
      return absl::ResourceExhaustedError("too many processes");
    }
    return ScriptedExecutor::Spawn(command);
  }
  void Refuse(int count) { refusals_ = count; }

 private:
  std::atomic<int> refusals_{0};
};

class ScriptedPoolStatsTest : public testing::Test {
 protected:
  void SetUp() override {
    ProcessPoolOptions options;
    options.num_workers = 1;
    options.max_leased_tasks = 4;
    options.executor = &executor_;
    pool_ = MakePool(options);
  }

  void TearDown() override {
    pool_->Terminate();
    pool_ = nullptr;
  }

  std::shared_ptr<ScriptedWorker> NextReady() {
    std::shared_ptr<ScriptedWorker> worker = executor_.NextWorker();
    worker->SayHello();
    return worker;
  }

  RefusingExecutor executor_;
  std::unique_ptr<ProcessPool> pool_;
};

TEST_F(ScriptedPoolStatsTest, GarbageEndsAWorkerAndItsTaskIsLost) {
  const auto future = pool_->Submit(Same, "x");
  const auto worker = NextReady();
  ASSERT_TRUE(worker->NextTask().has_value());
  worker->Write("this is no frame, and long enough to be seen as none");
  EXPECT_EQ(future.Get().status().code(), absl::StatusCode::kDataLoss);
  const PoolStats stats = StatsOf(*pool_);
  EXPECT_EQ(stats.tasks.lost, 1u);
  EXPECT_EQ(stats.worker_ends.broken_channel, 1u);
  EXPECT_EQ(stats.worker_ends.crashed, 0u);
}

TEST_F(ScriptedPoolStatsTest, StartsThatTheSystemRefusedAreCounted) {
  const auto worker = executor_.NextWorker();
  executor_.Refuse(2);
  worker->Exit(ExitStatus::Exited(1));
  ASSERT_NE(executor_.NextWorker(), nullptr);
  const PoolStats stats =
      Await(*pool_, [](const PoolStats& s) { return s.workers.started == 2; });
  EXPECT_EQ(stats.workers.refused_starts, 2u);
  EXPECT_EQ(stats.worker_ends.not_ready, 1u);
  EXPECT_EQ(stats.workers.starting, 1u);
}

TEST_F(ScriptedPoolStatsTest, TheTaskThatRunsIsTheLastThatWasBegun) {
  std::vector<Future<std::string>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(pool_->Submit(Same, "x"));
  // It gets the others once it is ready.
  const auto worker = NextReady();
  std::optional<TaskRequest> task = worker->NextTask();
  ASSERT_TRUE(task.has_value());
  EXPECT_EQ(StatsOf(*pool_).each_worker[0].running_task_id, 1u);
  // Its answer is not on its way.
  worker->Keep(ResponseTo(*task, absl::Microseconds(5)));
  task = worker->NextTask();
  ASSERT_TRUE(task.has_value());
  const PoolStats stats = StatsOf(*pool_);
  EXPECT_EQ(stats.each_worker[0].running_task_id, 2u);
  worker->Answer(ResponseTo(*task, absl::Microseconds(7)));
  task = worker->NextTask();
  ASSERT_TRUE(task.has_value());
  worker->Answer(ResponseTo(*task, absl::Microseconds(9)));
  for (const auto& future : futures) EXPECT_TRUE(future.Get().ok());
  const Histogram run_time = StatsOf(*pool_).run_time;
  EXPECT_EQ(run_time.count(), 3u);
  EXPECT_EQ(run_time.Min(), absl::Microseconds(5));
  EXPECT_EQ(run_time.Mean(), absl::Microseconds(7));
  EXPECT_EQ(run_time.Max(), absl::Microseconds(9));
}

// Whoever sent it: the kernel says so, or that it was not it, if it counts.
TEST_F(ScriptedPoolStatsTest, OnlyAKillOfSomebodyElseMayBeForWantOfMemory) {
  const auto lost = pool_->Submit(Same, "x");
  auto worker = NextReady();
  ASSERT_TRUE(worker->NextTask().has_value());
  worker->Exit(ExitStatus::Signaled(11));
  EXPECT_FALSE(GetTaskFailure(lost.Get().status())->has_oom_killed());
  TaskOptions options;
  options.timeout = absl::Milliseconds(10);
  const auto overdue = pool_->Submit(options, Same, "x");
  worker = NextReady();
  ASSERT_TRUE(worker->NextTask().has_value());
  const absl::Status status = overdue.Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(GetTaskFailure(status)->signal(), kSigKill);
  EXPECT_FALSE(GetTaskFailure(status)->has_oom_killed());
  EXPECT_EQ(StatsOf(*pool_).worker_ends.oom_killed, 0u);
}

}  // namespace
}  // namespace multiproc
