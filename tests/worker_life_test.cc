// The life of a pool's workers on every backend: how they begin and leave, are
// replaced, become more and fewer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/nesting.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/pool/resident_memory.h"
#include "tests/backends.h"
#include "tests/new_fifo.h"
#include "tests/process_state.h"
#include "tests/read_file.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Each makes a process, which is slow under sanitizers and Wine.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || \
    defined(ABSL_HAVE_THREAD_SANITIZER) || defined(_WIN32)
constexpr int64_t kManyTasks = 100;
#else
constexpr int64_t kManyTasks = 500;
#endif

// ---- Tasks ----

int64_t Square(int64_t n) { return n * n; }
MULTIPROC_FUNCTION(Square);

int64_t Pid() { return CurrentPid(); }
MULTIPROC_FUNCTION(Pid);

void Nothing() {}
MULTIPROC_FUNCTION(Nothing);

void Log(const std::string& path, const std::string& word) {
  AppendLine(path, absl::StrCat(word, " ", CurrentPid()));
}
MULTIPROC_FUNCTION(Log);

int64_t LogNumber(const std::string& path, int64_t n) {
  AppendLine(path, absl::StrCat(n));
  return CurrentPid();
}
MULTIPROC_FUNCTION(LogNumber);

absl::Status Refuse() {
  absl::Status status = absl::NotFoundError("no model here");
  status.SetPayload("test/payload", absl::Cord("x"));
  return status;
}
MULTIPROC_FUNCTION(Refuse);

void Throw() { throw std::logic_error("thrown on purpose"); }
MULTIPROC_FUNCTION(Throw);

void Die() { DieBySignal(kSigKill); }
MULTIPROC_FUNCTION(Die);

int64_t global = 0;
void SetGlobal(int64_t value) { global = value; }
MULTIPROC_FUNCTION(SetGlobal);
int64_t Global() { return global; }
MULTIPROC_FUNCTION(Global);

// Waits until somebody opens the FIFO for reading.
int64_t WaitForReader(const std::string& fifo) {
  WriteFifo(fifo, absl::StrCat(CurrentPid()));
  return CurrentPid();
}
MULTIPROC_FUNCTION(WaitForReader);

// The same, and says by another FIFO that it has begun.
int64_t BeginAndWaitForReader(const std::string& begun,
                              const std::string& fifo) {
  WriteFifo(begun, "");
  return WaitForReader(fifo);
}
MULTIPROC_FUNCTION(BeginAndWaitForReader);

int64_t Leak(int64_t bytes) {
  static std::vector<std::string>* const leaks = new std::vector<std::string>;
  leaks->emplace_back(static_cast<size_t>(bytes), 'x');
  return CurrentPid();
}
MULTIPROC_FUNCTION(Leak);

std::string Variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? "unset" : value;
}
MULTIPROC_FUNCTION(Variable);

void Compute() {
  for (std::atomic<int> turns{0};; ++turns) {
  }
}
MULTIPROC_FUNCTION(Compute);

// A task that would take ever more, and is stopped.
void LeakForEver(int64_t bytes) {
  Leak(bytes);
  PauseForEver();
}
MULTIPROC_FUNCTION(LeakForEver);

int64_t Resident() { return static_cast<int64_t>(*ResidentBytes()); }
MULTIPROC_FUNCTION(Resident);

// How many workers a pool that is made here has by default.
absl::StatusOr<int64_t> DefaultSizeOfNestedPool() {
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool = ProcessPool::Create();
  if (!pool.ok()) return pool.status();
  const auto pids = (*pool)->Broadcast(Pid);
  if (!pids.ok()) return pids.status();
  for (const auto& pid : *pids) {
    if (!pid.Get().ok()) return pid.Get().status();
  }
  return static_cast<int64_t>(pids->size());
}
MULTIPROC_FUNCTION(DefaultSizeOfNestedPool);

// Makes `levels` of pools, one within the other; how deep it came.
absl::StatusOr<int64_t> Descend(int64_t levels) {
  if (levels == 0) return PoolDepth();
  ProcessPoolOptions options;
  options.num_workers = 1;
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  if (!pool.ok()) return pool.status();
  return (*pool)->Submit(Descend, levels - 1).Get();
}
MULTIPROC_FUNCTION(Descend);

// Ends once `number` of them run at the same time.
int Meet(const std::string& path, int number) {
  AppendLine(path, "here");
  while (ReadLines(path).size() < static_cast<size_t>(number)) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  return number;
}
MULTIPROC_FUNCTION(Meet);

std::string Name() { return CurrentProcessName(); }
MULTIPROC_FUNCTION(Name);

int64_t Share() { return CpuShare(); }
MULTIPROC_FUNCTION(Share);

void NotRegistered() {}

// ---- The fixture ----

size_t CountOf(const std::string& word, const std::vector<std::string>& lines) {
  return static_cast<size_t>(
      std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.compare(0, word.size(), word) == 0;
      }));
}

// In the order in which they must be read for all their tasks to run at once:
// the last is begun when the others have been.
std::vector<std::string> LastFirst(std::vector<std::string> fifos) {
  std::reverse(fifos.begin(), fifos.end());
  return fifos;
}

class WorkerLifeTest : public BackendTest {
 protected:
  void SetUp() override {
    // What is made once, and kept, is made now.
    [[maybe_unused]] static const auto once =
        MakePool(Options(1))->Submit(Nothing).Get();
    before_ = ProcessState::Now();
  }

  // No test may leave anything behind.
  void TearDown() override { EXPECT_EQ(LeftBehindSince(before_), ""); }

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

  // Of those that are there, in the order of their ages. One that is leaving
  // may be lost.
  static std::vector<int64_t> Pids(ProcessPool& pool) {
    const auto futures = pool.Broadcast(Pid);
    EXPECT_TRUE(futures.ok()) << futures.status();
    std::vector<int64_t> pids;
    for (const auto& future : *futures) {
      const absl::StatusOr<int64_t> pid = future.Get();
      if (pid.ok()) pids.push_back(*pid);
    }
    return pids;
  }

  // Waits until it has `count` workers; the test hangs, and says where, if that
  // never comes.
  static std::vector<int64_t> AwaitSize(ProcessPool& pool, size_t count) {
    std::vector<int64_t> pids = Pids(pool);
    while (pids.size() != count) {
      absl::SleepFor(absl::Milliseconds(1));
      pids = Pids(pool);
    }
    return pids;
  }

  static void AwaitLeaving(ProcessPool& pool) {
    while (pool.Stats().workers.leaving == 0) {
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  ProcessState before_;
};

// ---- Hooks ----

TEST_P(WorkerLifeTest, TheInitializerRunsOnceInEachWorkerBeforeItsTasks) {
  const std::string path = TempPath("log");
  ProcessPoolOptions options = Options(3);
  options.initializer = WorkerHook::Of(SetGlobal, 7);
  const auto pool = MakePool(options);
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool->Submit(Global));
  for (const auto& future : futures) EXPECT_EQ(*future.Get(), 7);

  options.initializer = WorkerHook::Of(Log, path, "begin");
  const auto logged = MakePool(options);
  std::set<int64_t> pids;
  for (const int64_t pid : Pids(*logged)) pids.insert(pid);
  EXPECT_EQ(pids.size(), 3);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(logged->Submit(Nothing).Get().ok());
  std::set<std::string> expected;
  for (const int64_t pid : pids) expected.insert(absl::StrCat("begin ", pid));
  const std::vector<std::string> lines = ReadLines(path);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()), expected);
  EXPECT_EQ(lines.size(), 3);
}

TEST_P(WorkerLifeTest, ReplacementsAreInitializedToo) {
  ProcessPoolOptions options = Options(1);
  options.initializer = WorkerHook::Of(SetGlobal, 7);
  const auto pool = MakePool(options);
  EXPECT_TRUE(absl::IsUnavailable(pool->Submit(Die).Get()));
  EXPECT_EQ(*pool->Submit(Global).Get(), 7);
}

TEST_P(WorkerLifeTest, AnInitializersErrorFailsThePool) {
  ProcessPoolOptions options = Options(2);
  options.initializer = WorkerHook::Of(Refuse);
  const auto pool = MakePool(options);
  const absl::Status status = pool->Submit(Square, 2).Get().status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("initializer 'Refuse'"),
                    HasSubstr("no model here"), HasSubstr("pid ")));
  EXPECT_EQ(status.GetPayload("test/payload"), absl::Cord("x"));
  // It has failed by now.
  EXPECT_EQ(pool->Submit(Square, 2).Get().status(), status);
  EXPECT_EQ(pool->Broadcast(Pid).status(), status);
  EXPECT_EQ(pool->Resize(3), status);
  EXPECT_EQ(pool->RestartWorkers(), status);
  pool->Close();
  EXPECT_EQ(pool->Join(), status);
}

TEST_P(WorkerLifeTest, AnInitializersExceptionFailsThePool) {
  ProcessPoolOptions options = Options(1);
  options.initializer = WorkerHook::Of(Throw);
  const auto pool = MakePool(options);
  const absl::Status status = pool->Submit(Nothing).Get();
  EXPECT_TRUE(absl::IsUnknown(status)) << status;
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("initializer 'Throw'"), HasSubstr("thrown on purpose")));
}

TEST_P(WorkerLifeTest, WorkersThatDieInTheInitializerCouldNotBeStarted) {
  ProcessPoolOptions options = Options(1);
  options.initializer = WorkerHook::Of(Die);
  const auto pool = MakePool(options);
  const absl::Status status = pool->Submit(Nothing).Get();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("in a row"));
}

TEST_P(WorkerLifeTest, AHookThatIsNoCallIsCreatesError) {
  ProcessPoolOptions options = Options(1);
  options.initializer = WorkerHook::Of(NotRegistered);
  EXPECT_TRUE(absl::IsNotFound(ProcessPool::Create(options).status()));
  options = Options(1);
  options.finalizer = WorkerHook::Of(NotRegistered);
  EXPECT_TRUE(absl::IsNotFound(ProcessPool::Create(options).status()));
}

TEST_P(WorkerLifeTest, TheFinalizerRunsInWorkersThatLeaveInOrder) {
  const std::string path = TempPath("log");
  ProcessPoolOptions options = Options(3);
  options.finalizer = WorkerHook::Of(Log, path, "end");
  const auto pool = MakePool(options);
  const std::vector<int64_t> pids = Pids(*pool);
  EXPECT_EQ(pids.size(), 3);
  EXPECT_THAT(ReadLines(path), IsEmpty());
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
  std::set<std::string> expected;
  for (const int64_t pid : pids) expected.insert(absl::StrCat("end ", pid));
  const std::vector<std::string> lines = ReadLines(path);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()), expected);
  EXPECT_EQ(lines.size(), 3);
}

TEST_P(WorkerLifeTest, TheFinalizerDoesNotRunInWorkersThatAreKilled) {
  const std::string path = TempPath("log");
  ProcessPoolOptions options = Options(2);
  options.finalizer = WorkerHook::Of(Log, path, "end");
  const auto pool = MakePool(options);
  EXPECT_EQ(Pids(*pool).size(), 2);
  pool->Terminate();
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_THAT(ReadLines(path), IsEmpty());
}

TEST_P(WorkerLifeTest, AFinalizersErrorGoesNowhere) {
  ProcessPoolOptions options = Options(1);
  options.finalizer = WorkerHook::Of(Throw);
  options.max_tasks_per_worker = 1;
  const auto pool = MakePool(options);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(*pool->Submit(Square, i).Get(), i * i);
  }
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
}

// ---- What they are given ----

TEST_P(WorkerLifeTest, WorkersHaveAnEnvironmentOfTheirOwn) {
  const ScopedVariable variable("TEST_OF_PARENT", "yes");
  ProcessPoolOptions options = Options(1);
  options.worker_environment = {{"TEST_OF_WORKER", "1"},
                                {"TEST_OF_PARENT", std::nullopt}};
  const auto pool = MakePool(options);
  EXPECT_EQ(*pool->Submit(Variable, "TEST_OF_WORKER").Get(), "1");
  EXPECT_EQ(*pool->Submit(Variable, "TEST_OF_PARENT").Get(), "unset");
  EXPECT_EQ(Variable("TEST_OF_WORKER"), "unset");
  // The next one, too.
  EXPECT_TRUE(absl::IsUnavailable(pool->Submit(Die).Get()));
  EXPECT_EQ(*pool->Submit(Variable, "TEST_OF_WORKER").Get(), "1");
}

TEST_P(WorkerLifeTest, WorkersHaveLimits) {
  ProcessPoolOptions options = Options(1);
  options.worker_limits.cpu_time = absl::Seconds(1);
  const auto pool = MakePool(options);
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
  if (!is_windows()) {  // Wine keeps none
    const absl::Status status = pool->Submit(Compute).Get();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_TRUE(GetTaskFailure(status)->has_signal()) << status;
    EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
  }
  options.worker_limits.cpu_time = absl::ZeroDuration();
  EXPECT_TRUE(absl::IsInvalidArgument(ProcessPool::Create(options).status()));
}

// ---- Replacement ----

TEST_P(WorkerLifeTest, NothingIsLostAsWorkersAreReplaced) {
  for (const int max_tasks : {1, 2, 3}) {
    for (const int leases : {0, 8}) {
      ProcessPoolOptions options = Options(3);
      options.max_tasks_per_worker = max_tasks;
      options.max_leased_tasks = leases;
      const auto pool = MakePool(options);
      const int64_t num_tasks = kManyTasks / 6;
      const std::string path = TempPath("log");
      std::vector<Future<int64_t>> futures;
      for (int64_t i = 0; i < num_tasks; ++i) {
        futures.push_back(pool->Submit(LogNumber, path, i));
      }
      std::vector<int64_t> pids;
      for (const auto& future : futures) {
        const absl::StatusOr<int64_t> pid = future.Get();
        ASSERT_TRUE(pid.ok()) << pid.status();
        pids.push_back(*pid);
      }
      EXPECT_EQ(ReadLines(path).size(), num_tasks) << "each has run once";
      // A number may come again once its process is gone; not many do.
      const std::set<int64_t> distinct(pids.begin(), pids.end());
      EXPECT_GE(distinct.size() * static_cast<size_t>(max_tasks) * 2,
                pids.size());
    }
  }
}

TEST_P(WorkerLifeTest, AWorkerRunsNoMoreTasksThanItMay) {
  ProcessPoolOptions options = Options(1);
  options.max_tasks_per_worker = 3;
  options.max_leased_tasks = 8;
  const auto pool = MakePool(options);
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 12; ++i) futures.push_back(pool->Submit(Pid));
  for (size_t i = 0; i < 12; i += 3) {
    EXPECT_EQ(*futures[i].Get(), *futures[i + 1].Get());
    EXPECT_EQ(*futures[i].Get(), *futures[i + 2].Get());
    if (i > 0) {
      EXPECT_NE(*futures[i].Get(), *futures[i - 1].Get());
    }
  }
}

TEST_P(WorkerLifeTest, TheJitterMakesWorkersLeaveOneByOne) {
  ProcessPoolOptions options = Options(1);
  options.max_tasks_per_worker = 4;
  options.max_tasks_jitter = 3;
  const auto pool = MakePool(options);
  std::vector<int> runs;
  int64_t last = 0;
  for (int i = 0; i < 60; ++i) {
    const int64_t pid = *pool->Submit(Pid).Get();
    if (pid != last) runs.push_back(0);
    ++runs.back();
    last = pid;
  }
  runs.pop_back();
  EXPECT_THAT(runs, Each(AllOf(testing::Ge(1), testing::Le(4))));
  EXPECT_GE(std::set<int>(runs.begin(), runs.end()).size(), 2);
}

TEST_P(WorkerLifeTest, ManyThreadsMaySubmitAsWorkersAreReplaced) {
  if (is_fork()) GTEST_SKIP() << "no fork in a program with threads";
  ProcessPoolOptions options = Options(2);
  options.max_tasks_per_worker = 2;
  const auto pool = MakePool(options);
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int64_t i = t * 25; i < t * 25 + 25; ++i) {
        EXPECT_EQ(*pool->Submit(Square, i).Get(), i * i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(WorkerLifeTest, AClosedPoolReplacesWorkersUntilAllIsDone) {
  const std::string path = TempPath("log");
  ProcessPoolOptions options = Options(2);
  options.max_tasks_per_worker = 1;
  options.initializer = WorkerHook::Of(Log, path, "begin");
  options.finalizer = WorkerHook::Of(Log, path, "end");
  const auto pool = MakePool(options);
  std::vector<Future<int64_t>> futures;
  for (int64_t i = 0; i < 30; ++i) futures.push_back(pool->Submit(Square, i));
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
  for (int64_t i = 0; i < 30; ++i) EXPECT_EQ(*futures[i].Get(), i * i);
  const std::vector<std::string> lines = ReadLines(path);
  EXPECT_GE(CountOf("begin", lines), 30);
  EXPECT_EQ(CountOf("end", lines), CountOf("begin", lines));
}

TEST_P(WorkerLifeTest, MapGoesOnAsWorkersAreReplaced) {
  ProcessPoolOptions options = Options(2);
  options.max_tasks_per_worker = 2;
  const auto pool = MakePool(options);
  std::vector<int64_t> items(5000);
  for (size_t i = 0; i < items.size(); ++i) items[i] = static_cast<int64_t>(i);
  MapOptions map_options;
  map_options.chunk_size = 200;
  const auto squares = pool->Map(map_options, Square, items);
  ASSERT_TRUE(squares.ok()) << squares.status();
  for (size_t i = 0; i < items.size(); ++i) {
    ASSERT_EQ((*squares)[i], items[i] * items[i]);
  }
}

TEST_P(WorkerLifeTest, AWorkerThatLeaksIsReplaced) {
  if (!ResidentBytes().has_value()) {
    ProcessPoolOptions options = Options(1);
    options.max_worker_memory_bytes = 1;
    EXPECT_TRUE(absl::IsUnimplemented(ProcessPool::Create(options).status()));
    return;
  }
  ProcessPoolOptions options = Options(1);
  options.max_leased_tasks = 8;
  constexpr int64_t kGreat = int64_t{64} << 20;
  const int64_t usual = *MakePool(Options(1))->Submit(Resident).Get();
  options.max_worker_memory_bytes = static_cast<size_t>(usual + kGreat);
  const auto pool = MakePool(options);
  const int64_t pid = *pool->Submit(Pid).Get();
  EXPECT_EQ(*pool->Submit(Leak, 1000).Get(), pid);
  const auto leak = pool->Submit(Leak, 2 * kGreat);
  std::vector<Future<int64_t>> behind;
  for (int i = 0; i < 20; ++i) behind.push_back(pool->Submit(Pid));
  EXPECT_EQ(*leak.Get(), pid) << "it is no limit for a task";
  const int64_t next = *behind[0].Get();
  EXPECT_NE(next, pid);
  for (const auto& future : behind) EXPECT_EQ(*future.Get(), next);
}

TEST_P(WorkerLifeTest, NothingIsLostAsEachTaskIsTooGreat) {
  if (!ResidentBytes().has_value()) GTEST_SKIP() << "the system does not tell";
  ProcessPoolOptions options = Options(2);
  options.max_worker_memory_bytes = 1;
  options.max_leased_tasks = 8;
  const auto pool = MakePool(options);
  const std::string path = TempPath("log");
  std::vector<Future<int64_t>> futures;
  for (int64_t i = 0; i < 60; ++i) {
    futures.push_back(pool->Submit(LogNumber, path, i));
  }
  std::set<int64_t> pids;
  for (const auto& future : futures) pids.insert(*future.Get());
  EXPECT_EQ(ReadLines(path).size(), 60) << "each has run once";
  EXPECT_GE(pids.size(), 30) << "a number may come again";
}

TEST_P(WorkerLifeTest, ATaskThatTakesTooMuchMemoryIsStopped) {
  if (!ResidentBytes().has_value()) {
    ProcessPoolOptions options = Options(1);
    options.kill_worker_memory_bytes = 1;
    EXPECT_TRUE(absl::IsUnimplemented(ProcessPool::Create(options).status()));
    return;
  }
  ProcessPoolOptions options = Options(1);
  options.max_leased_tasks = 8;
  constexpr int64_t kGreat = int64_t{64} << 20;
  const int64_t usual = *MakePool(Options(1))->Submit(Resident).Get();
  options.kill_worker_memory_bytes = static_cast<size_t>(usual + kGreat);
  const auto pool = MakePool(options);
  const int64_t pid = *pool->Submit(Pid).Get();
  const auto leak = pool->Submit(LeakForEver, 2 * kGreat);
  const auto behind = pool->Submit(Pid);
  const absl::Status status = leak.Get();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("kill_worker_memory_bytes"));
  EXPECT_EQ(GetTaskFailure(status)->worker_pid(), pid);
  EXPECT_NE(*behind.Get(), pid) << "it is not to blame";
}

TEST_P(WorkerLifeTest, AnOldWorkerIsReplacedOnceItsTaskHasEnded) {
  ProcessPoolOptions options = Options(1);
  options.max_worker_age = absl::Milliseconds(100);
  const auto pool = MakePool(options);
  // From now on a worker that has a task is ready, which its age begins with.
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  const std::string begun = NewFifo();
  const std::string fifo = NewFifo();
  const auto busy = pool->Submit(BeginAndWaitForReader, begun, fifo);
  ReadFifo(begun);
  AwaitLeaving(*pool);
  const auto behind = pool->Submit(Pid);
  const std::string pid = ReadFifo(fifo);
  EXPECT_EQ(absl::StrCat(*busy.Get()), pid);
  EXPECT_NE(absl::StrCat(*behind.Get()), pid);
}

TEST_P(WorkerLifeTest, AnOldIdleWorkerIsReplaced) {
  ProcessPoolOptions options = Options(2);
  options.max_worker_age = absl::Milliseconds(200);
  const auto pool = MakePool(options);
  const std::vector<int64_t> before = Pids(*pool);
  while (true) {
    const std::vector<int64_t> pids = Pids(*pool);
    const bool all_new =
        std::none_of(pids.begin(), pids.end(), [&](int64_t pid) {
          return std::count(before.begin(), before.end(), pid) > 0;
        });
    if (all_new) break;
    absl::SleepFor(absl::Milliseconds(1));
  }
}

// ---- More and fewer ----

TEST_P(WorkerLifeTest, WorkersAreStartedOnDemand) {
  ProcessPoolOptions options = Options(3);
  options.min_workers = 0;
  const auto pool = MakePool(options);
  EXPECT_THAT(Pids(*pool), IsEmpty());
  const int64_t pid = *pool->Submit(Pid).Get();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(*pool->Submit(Pid).Get(), pid) << "an idle worker is enough";
  }
  // Three that run at once.
  const std::vector<std::string> fifos = {NewFifo(), NewFifo(), NewFifo()};
  std::vector<Future<int64_t>> futures;
  for (const std::string& fifo : fifos) {
    futures.push_back(pool->Submit(WaitForReader, fifo));
  }
  std::set<std::string> pids;
  for (const std::string& fifo : LastFirst(fifos)) pids.insert(ReadFifo(fifo));
  EXPECT_EQ(pids.size(), 3);
  for (const auto& future : futures) EXPECT_TRUE(future.Get().ok());
  EXPECT_EQ(Pids(*pool).size(), 3) << "none leaves without idle_timeout";
}

TEST_P(WorkerLifeTest, IdleWorkersLeaveBeyondTheLeast) {
  const std::string path = TempPath("log");
  ProcessPoolOptions options = Options(3);
  options.min_workers = 1;
  options.idle_timeout = absl::Milliseconds(50);
  options.finalizer = WorkerHook::Of(Log, path, "end");
  const auto pool = MakePool(options);
  const std::vector<std::string> fifos = {NewFifo(), NewFifo(), NewFifo()};
  std::vector<Future<int64_t>> futures;
  for (const std::string& fifo : fifos) {
    futures.push_back(pool->Submit(WaitForReader, fifo));
  }
  for (const std::string& fifo : LastFirst(fifos)) ReadFifo(fifo);
  for (const auto& future : futures) EXPECT_TRUE(future.Get().ok());
  // Looking at the workers would keep them busy.
  while (ReadLines(path).size() < 2) absl::SleepFor(absl::Milliseconds(1));
  absl::SleepFor(2 * options.idle_timeout);
  EXPECT_EQ(ReadLines(path).size(), 2) << "one stays";
  EXPECT_EQ(Pids(*pool).size(), 1);
  // And it grows again.
  const std::string fifo = NewFifo();
  const auto busy = pool->Submit(WaitForReader, fifo);
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
  ReadFifo(fifo);
  EXPECT_TRUE(busy.Get().ok());
}

TEST_P(WorkerLifeTest, AnElasticPoolRunsBurstsWithoutAStall) {
  ProcessPoolOptions options = Options(3);
  options.min_workers = 0;
  options.idle_timeout = absl::Milliseconds(1);
  const auto pool = MakePool(options);
  for (int64_t burst = 0; burst < kManyTasks / 50; ++burst) {
    std::vector<Future<int64_t>> futures;
    for (int64_t i = 0; i < 50; ++i) futures.push_back(pool->Submit(Square, i));
    for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(*futures[i].Get(), i * i);
    absl::SleepFor(absl::Milliseconds(burst % 5));
  }
}

TEST_P(WorkerLifeTest, AnElasticPoolThatWasNeverUsedEnds) {
  ProcessPoolOptions options = Options(3);
  options.min_workers = 0;
  const auto pool = MakePool(options);
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
}

TEST_P(WorkerLifeTest, ResizeMakesMoreAndFewer) {
  const auto pool = MakePool(Options(1));
  EXPECT_EQ(Pids(*pool).size(), 1);
  EXPECT_TRUE(pool->Resize(4).ok());
  const std::vector<int64_t> four = AwaitSize(*pool, 4);
  EXPECT_TRUE(pool->Resize(2).ok());
  AwaitSize(*pool, 2);
  std::set<int64_t> pids;
  for (int i = 0; i < 50; ++i) pids.insert(*pool->Submit(Pid).Get());
  EXPECT_LE(pids.size(), 2);
  for (const int64_t pid : pids) {
    EXPECT_EQ(std::count(four.begin(), four.end(), pid), 1) << "none is new";
  }
}

TEST_P(WorkerLifeTest, ABusyWorkerLeavesOnceItsTaskHasEnded) {
  const std::string path = TempPath("log");
  ProcessPoolOptions options = Options(2);
  options.finalizer = WorkerHook::Of(Log, path, "end");
  const auto pool = MakePool(options);
  const std::string a = NewFifo();
  const std::string b = NewFifo();
  const auto first = pool->Submit(WaitForReader, a);
  const auto second = pool->Submit(WaitForReader, b);
  EXPECT_TRUE(pool->Resize(1).ok());
  const auto third = pool->Submit(Pid);
  ReadFifo(a);
  ReadFifo(b);
  EXPECT_TRUE(first.Get().ok());
  EXPECT_TRUE(second.Get().ok());
  EXPECT_TRUE(third.Get().ok());
  while (ReadLines(path).empty()) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(Pids(*pool).size(), 1);
}

TEST_P(WorkerLifeTest, ResizeRefusesWhatCannotBe) {
  const auto pool = MakePool(Options(1));
  EXPECT_TRUE(absl::IsInvalidArgument(pool->Resize(0)));
  EXPECT_TRUE(absl::IsInvalidArgument(pool->Resize(10001)));
  pool->Close();
  EXPECT_TRUE(absl::IsFailedPrecondition(pool->Resize(2)));
  EXPECT_TRUE(absl::IsFailedPrecondition(pool->RestartWorkers()));
  EXPECT_TRUE(absl::IsFailedPrecondition(pool->Broadcast(Pid).status()));
}

TEST_P(WorkerLifeTest, RestartReplacesAllWorkersInOrder) {
  const std::string path = TempPath("log");
  ProcessPoolOptions options = Options(3);
  options.finalizer = WorkerHook::Of(Log, path, "end");
  const auto pool = MakePool(options);
  const std::vector<int64_t> before = Pids(*pool);
  ASSERT_EQ(before.size(), 3);
  EXPECT_TRUE(pool->RestartWorkers().ok());
  // Under load, of which nothing is lost.
  int64_t n = 0;
  while (ReadLines(path).size() < 3) {
    EXPECT_EQ(*pool->Submit(Square, n).Get(), n * n);
    ++n;
  }
  std::set<std::string> expected;
  for (const int64_t pid : before) expected.insert(absl::StrCat("end ", pid));
  const std::vector<std::string> lines = ReadLines(path);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()), expected);
  const std::vector<int64_t> after = AwaitSize(*pool, 3);
  for (const int64_t pid : before) {
    EXPECT_EQ(std::count(after.begin(), after.end(), pid), 0);
  }
}

TEST_P(WorkerLifeTest, ARestartWaitsForTheTaskOfABusyWorker) {
  const auto pool = MakePool(Options(1));
  const std::string begun = NewFifo();
  const std::string fifo = NewFifo();
  const auto busy = pool->Submit(BeginAndWaitForReader, begun, fifo);
  ReadFifo(begun);
  EXPECT_TRUE(pool->RestartWorkers().ok());
  const auto behind = pool->Submit(Pid);
  AwaitLeaving(*pool);
  const std::string pid = ReadFifo(fifo);
  EXPECT_EQ(absl::StrCat(*busy.Get()), pid);
  EXPECT_NE(absl::StrCat(*behind.Get()), pid);
}

// ---- Broadcast ----

TEST_P(WorkerLifeTest, BroadcastRunsOnceInEachWorker) {
  const auto pool = MakePool(Options(3));
  const auto set = pool->Broadcast(SetGlobal, 7);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->size(), 3);
  for (const auto& future : *set) EXPECT_TRUE(future.Get().ok());
  for (int i = 0; i < 30; ++i) EXPECT_EQ(*pool->Submit(Global).Get(), 7);
  const std::vector<int64_t> pids = Pids(*pool);
  EXPECT_EQ(std::set<int64_t>(pids.begin(), pids.end()).size(), 3);
}

// It is not given to another, though what waits behind a long task is.
TEST_P(WorkerLifeTest, ABroadcastWaitsBehindALongTask) {
  const auto pool = MakePool(Options(2));
  EXPECT_EQ(Pids(*pool).size(), 2);
  const std::string fifo = NewFifo();
  const auto busy = pool->Submit(WaitForReader, fifo);
  const auto pids = pool->Broadcast(Pid);
  ASSERT_TRUE(pids.ok()) << pids.status();
  for (int64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(*pool->Submit(Square, i).Get(), i * i);
  }
  EXPECT_NE((*pids)[0].Ready(), (*pids)[1].Ready());
  ReadFifo(fifo);
  EXPECT_TRUE(busy.Get().ok());
  EXPECT_NE(*(*pids)[0].Get(), *(*pids)[1].Get());
}

TEST_P(WorkerLifeTest, ABroadcastDiesWithItsWorker) {
  ProcessPoolOptions options = Options(1);
  options.max_attempts = 3;
  const auto pool = MakePool(options);
  const int64_t pid = *pool->Submit(Pid).Get();
  const auto deaths = pool->Broadcast(Die);
  const auto behind = pool->Broadcast(Pid);
  ASSERT_TRUE(deaths.ok()) << deaths.status();
  const absl::Status status = (*deaths)[0].Get();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(GetTaskFailure(status)->worker_pid(), pid);
  EXPECT_EQ(GetTaskFailure(status)->attempt(), 1) << "it is not tried again";
  for (const auto& future : *behind) {
    const absl::StatusOr<int64_t> ran = future.Get();
    EXPECT_TRUE(ran.ok() || absl::IsUnavailable(ran.status()));
    EXPECT_TRUE(!ran.ok() || *ran != pid);
  }
  EXPECT_NE(*pool->Submit(Pid).Get(), pid);
}

TEST_P(WorkerLifeTest, BroadcastsCountAsTasks) {
  ProcessPoolOptions options = Options(2);
  options.max_tasks_per_worker = 1;
  const auto pool = MakePool(options);
  // One that has not left yet runs another.
  std::set<int64_t> pids;
  for (int i = 0; pids.size() < 4 && i < 1000; ++i) {
    for (const int64_t pid : AwaitSize(*pool, 2)) pids.insert(pid);
  }
  EXPECT_GE(pids.size(), 4);
}

TEST_P(WorkerLifeTest, ABroadcastThatIsNoCallSaysWhy) {
  const auto pool = MakePool(Options(1));
  EXPECT_TRUE(absl::IsNotFound(pool->Broadcast(NotRegistered).status()));
}

// ---- SubmitTo ----

TEST_P(WorkerLifeTest, SubmitToRunsInThatWorkerAlone) {
  const auto pool = MakePool(Options(3));
  const std::vector<uint64_t> ids = pool->WorkerIds();
  ASSERT_EQ(ids.size(), 3);
  for (const uint64_t id : ids) {
    const auto set =
        pool->SubmitTo(id, SetGlobal, static_cast<int64_t>(100 + id));
    EXPECT_TRUE(set.Get().ok()) << set.Get();
  }
  std::set<int64_t> pids;
  for (const uint64_t id : ids) {
    const int64_t pid = *pool->SubmitTo(id, Pid).Get();
    EXPECT_TRUE(pids.insert(pid).second);
    std::vector<Future<int64_t>> globals;
    for (int i = 0; i < 50; ++i) globals.push_back(pool->SubmitTo(id, Global));
    for (const auto& value : globals) EXPECT_EQ(*value.Get(), 100 + id);
    EXPECT_EQ(*pool->SubmitTo(id, Pid).Get(), pid);
  }
  EXPECT_EQ(pool->WorkerIds(), ids);
}

TEST_P(WorkerLifeTest, SubmitToAWorkerThatIsGoneIsNotFound) {
  const auto pool = MakePool(Options(1));
  EXPECT_TRUE(absl::IsNotFound(pool->SubmitTo(777, Pid).Get().status()));
  const uint64_t id = pool->WorkerIds()[0];
  TaskOptions thrice;
  thrice.max_attempts = 3;
  const absl::Status died = pool->SubmitTo(thrice, id, Die).Get();
  EXPECT_TRUE(absl::IsUnavailable(died)) << died;
  EXPECT_EQ(GetTaskFailure(died)->attempt(), 1) << "another is not its worker";
  EXPECT_TRUE(absl::IsNotFound(pool->SubmitTo(id, Pid).Get().status()));
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  ASSERT_EQ(pool->WorkerIds().size(), 1);
  EXPECT_NE(pool->WorkerIds()[0], id) << "a number is not used again";
}

TEST_P(WorkerLifeTest, SubmitToIsRefusedAsSubmitIs) {
  const auto pool = MakePool(Options(1));
  const uint64_t id = pool->WorkerIds()[0];
  EXPECT_TRUE(absl::IsNotFound(pool->SubmitTo(id, NotRegistered).Get()));
  pool->Close();
  EXPECT_TRUE(
      absl::IsFailedPrecondition(pool->SubmitTo(id, Pid).Get().status()));
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_TRUE(pool->WorkerIds().empty());
}

// Though it can't be given to another worker, it can be taken from its own.
TEST_P(WorkerLifeTest, WhatWaitsForItsWorkerCanBeCancelled) {
  const auto pool = MakePool(Options(2));
  const uint64_t id = pool->WorkerIds()[0];
  const std::string fifo = NewFifo();
  const auto busy = pool->SubmitTo(id, WaitForReader, fifo);
  const auto a = pool->SubmitTo(id, Pid);
  auto b = pool->SubmitTo(id, Pid);
  const auto c = pool->SubmitTo(id, Pid);
  EXPECT_TRUE(b.Cancel());
  EXPECT_TRUE(absl::IsCancelled(b.Get().status())) << b.Get().status();
  const std::string pid = ReadFifo(fifo);
  EXPECT_EQ(absl::StrCat(*busy.Get()), pid);
  EXPECT_EQ(absl::StrCat(*a.Get()), pid);
  EXPECT_EQ(absl::StrCat(*c.Get()), pid);
}

TEST_P(WorkerLifeTest, CancelPendingCancelsWhatWaitsForItsWorker) {
  const auto pool = MakePool(Options(1));
  const uint64_t id = pool->WorkerIds()[0];
  const std::string fifo = NewFifo();
  const std::string started = NewFifo();
  const auto first = pool->SubmitTo(id, WaitForReader, started);
  const auto busy = pool->SubmitTo(id, WaitForReader, fifo);
  const auto a = pool->SubmitTo(id, Pid);
  const auto b = pool->Submit(Pid);
  ReadFifo(started);
  EXPECT_TRUE(first.Get().ok());
  const size_t cancelled = pool->CancelPending();
  EXPECT_TRUE(absl::IsCancelled(a.Get().status())) << a.Get().status();
  EXPECT_TRUE(absl::IsCancelled(b.Get().status())) << b.Get().status();
  // Its worker may not have begun it yet.
  if (cancelled == 2) {
    ReadFifo(fifo);
    EXPECT_TRUE(busy.Get().ok());
  } else {
    EXPECT_EQ(cancelled, 3);
    EXPECT_TRUE(absl::IsCancelled(busy.Get().status()));
  }
}

// ---- Spare workers ----

TEST_P(WorkerLifeTest, ASpareTakesTheDeadWorkersPlace) {
  const std::string path = TempPath("log");
  ProcessPoolOptions options = Options(1);
  options.spare_workers = 1;
  options.initializer = WorkerHook::Of(Log, path, "begin");
  const auto pool = MakePool(options);
  const int64_t first = *pool->Submit(Pid).Get();
  EXPECT_EQ(pool->WorkerIds().size(), 1) << "a spare has no part in it";
  EXPECT_EQ(Pids(*pool), std::vector<int64_t>{first});
  while (ReadLines(path).size() < 2) absl::SleepFor(absl::Milliseconds(1));
  const std::vector<std::string> begun = ReadLines(path);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(*pool->Submit(Pid).Get(), first);

  EXPECT_TRUE(absl::IsUnavailable(pool->Submit(Die).Get()));
  const int64_t second = *pool->Submit(Pid).Get();
  EXPECT_NE(second, first);
  EXPECT_EQ(CountOf(absl::StrCat("begin ", second), begun), 1)
      << "it was there before";
  // And has a spare of its own.
  while (ReadLines(path).size() < 3) absl::SleepFor(absl::Milliseconds(1));
}

TEST_P(WorkerLifeTest, SparesAreReplacedWithTheOthers) {
  const std::string path = TempPath("log");
  ProcessPoolOptions options = Options(1);
  options.spare_workers = 2;
  options.initializer = WorkerHook::Of(Log, path, "begin");
  options.finalizer = WorkerHook::Of(Log, path, "end");
  const auto pool = MakePool(options);
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  while (ReadLines(path).size() < 3) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE(pool->RestartWorkers().ok());
  while (CountOf("end", ReadLines(path)) < 3) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_TRUE(pool->Submit(Pid).Get().ok());
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_EQ(CountOf("end", ReadLines(path)), CountOf("begin", ReadLines(path)))
      << "all have left in order";
}

// ---- Who is woken ----

// Short tasks leave workers asleep once the CPUs are busy; what comes after
// them must find these.
TEST_P(WorkerLifeTest, TasksThatMeetHaveAWorkerEach) {
  const int number = 2 * CpuShare() + 1;
  for (const int leases : {0, 1, 2}) {
    ProcessPoolOptions options = Options(number + 1);
    options.max_leased_tasks = leases;
    const auto pool = MakePool(options);
    std::vector<Future<int64_t>> pids;
    for (int i = 0; i < 1000; ++i) pids.push_back(pool->Submit(Pid));
    for (const auto& pid : pids) EXPECT_TRUE(pid.Get().ok());
    const std::string path = TempPath(absl::StrCat("met_", leases));
    std::vector<Future<int>> met;
    for (int i = 0; i < number; ++i) {
      met.push_back(pool->Submit(Meet, path, number));
    }
    for (const auto& future : met) EXPECT_EQ(*future.Get(), number);
  }
}

// ---- What they are called ----

TEST_P(WorkerLifeTest, WorkersAreCalledByTheirNumbers) {
  const auto pool = MakePool(Options(2));
  for (const uint64_t id : pool->WorkerIds()) {
    EXPECT_EQ(*pool->SubmitTo(id, Name).Get(), absl::StrCat("worker ", id));
  }
}

// ---- Pools within workers ----

TEST_P(WorkerLifeTest, PoolsMayBeNestedUpToADepth) {
  const ScopedVariable variable("MULTIPROC_EXECUTOR", GetParam());
  EXPECT_EQ(*Descend(4), 4);
  const absl::Status status = Descend(5).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("4 deep"), HasSubstr("max_pool_depth")));
}

TEST_P(WorkerLifeTest, ANestedPoolTakesItsShareOfTheCpus) {
  const ScopedVariable variable("MULTIPROC_EXECUTOR", GetParam());
  const int cpus = CpuShare();
  for (const int num_workers : {1, 2}) {
    const auto pool = MakePool(Options(num_workers));
    const int64_t share = std::max(cpus / num_workers, 1);
    EXPECT_EQ(*pool->Submit(Share).Get(), share);
    EXPECT_EQ(*pool->Submit(DefaultSizeOfNestedPool).Get(), share);
  }
  const auto many = MakePool(Options(cpus + 1));
  EXPECT_EQ(*many->Submit(Share).Get(), 1);
}

// ---- Options ----

TEST_P(WorkerLifeTest, OptionsOutOfRangeAreInvalid) {
  const auto expect_invalid = [this](const std::string& option, auto change) {
    ProcessPoolOptions options = Options(2);
    change(options);
    const absl::Status status = ProcessPool::Create(options).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(option));
  };
  expect_invalid("min_workers", [](auto& o) { o.min_workers = -2; });
  expect_invalid("min_workers", [](auto& o) { o.min_workers = 3; });
  expect_invalid("idle_timeout",
                 [](auto& o) { o.idle_timeout = absl::ZeroDuration(); });
  expect_invalid("max_tasks_per_worker",
                 [](auto& o) { o.max_tasks_per_worker = -1; });
  expect_invalid("max_tasks_jitter", [](auto& o) { o.max_tasks_jitter = 1; });
  expect_invalid("max_tasks_jitter", [](auto& o) {
    o.max_tasks_per_worker = 5;
    o.max_tasks_jitter = 5;
  });
  expect_invalid("max_worker_age",
                 [](auto& o) { o.max_worker_age = absl::ZeroDuration(); });
  expect_invalid("max_pool_depth", [](auto& o) { o.max_pool_depth = 0; });
  expect_invalid("spare_workers", [](auto& o) { o.spare_workers = -1; });
  expect_invalid("exit_timeout",
                 [](auto& o) { o.exit_timeout = absl::Seconds(-1); });
}

MULTIPROC_FOR_EVERY_BACKEND(WorkerLifeTest);

}  // namespace
}  // namespace multiproc
