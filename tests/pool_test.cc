// The pool, end to end, on every backend.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "multiproc/executors/cpu_count.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/new_fifo.h"
#include "tests/process_state.h"
#include "tests/read_file.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- Tasks ----

int64_t Square(int64_t n) { return n * n; }
MULTIPROC_FUNCTION(Square);

int64_t Pid() { return CurrentPid(); }
MULTIPROC_FUNCTION(Pid);

std::string Echo(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Echo);

std::string Repeat(size_t size) { return std::string(size, 'r'); }
MULTIPROC_FUNCTION(Repeat);

void Nothing() {}
MULTIPROC_FUNCTION(Nothing);

// What has run, and how often: a line each in a file that all workers append
// to.
int64_t LogAndReturn(const std::string& path, int64_t n) {
  AppendLine(path, absl::StrCat(n));
  return n;
}
MULTIPROC_FUNCTION(LogAndReturn);

int64_t LogAndDieIf(const std::string& path, int64_t n, int64_t victim) {
  AppendLine(path, absl::StrCat(n));
  if (n == victim) DieBySignal(kSigKill);
  return n;
}
MULTIPROC_FUNCTION(LogAndDieIf);

void LogLine(const std::string& path) { AppendLine(path, "line"); }
MULTIPROC_FUNCTION(LogLine);

absl::StatusOr<int64_t> RefuseOdd(int64_t n) {
  if (n % 2 == 0) return n;
  return absl::InvalidArgumentError(absl::StrCat(n, " is odd"));
}
MULTIPROC_FUNCTION(RefuseOdd);

bool ThrowIf(bool condition) {
  return condition ? throw std::logic_error("thrown on purpose") : false;
}
MULTIPROC_FUNCTION(ThrowIf);

void Die(int signal) { DieBySignal(signal); }
MULTIPROC_FUNCTION(Die);

void Leave(int code) { ExitAtOnce(static_cast<uint32_t>(code)); }
MULTIPROC_FUNCTION(Leave);

// Tells the test that it runs, through a FIFO, and never ends.
void Hang(const std::string& fifo) {
  WriteFifo(fifo, absl::StrCat(CurrentPid()));
  PauseForEver();
}
MULTIPROC_FUNCTION(Hang);

void Pause() { PauseForEver(); }
MULTIPROC_FUNCTION(Pause);

// What a worker says first, and then nothing more.
void SayHelloAndLeave() {
  WriteAll(InheritedHandles()[1], absl::string_view("\xF5M\x01\x01\0\0\0\0", 8))
      .IgnoreError();
  ExitAtOnce(4);
}
MULTIPROC_FUNCTION(SayHelloAndLeave);

// Waits until somebody opens the FIFO for reading.
int64_t WaitForReader(const std::string& fifo, int64_t n) {
  WriteFifo(fifo, "");
  return n;
}
MULTIPROC_FUNCTION(WaitForReader);

// Dies at its first run, which leaves a mark.
std::string DieOnce(const std::string& mark) {
  if (std::filesystem::exists(mark)) return "second";
  std::ofstream(mark).close();
  DieBySignal(kSigKill);
}
MULTIPROC_FUNCTION(DieOnce);

absl::Cord EchoCord(const absl::Cord& cord) { return cord; }
MULTIPROC_FUNCTION(EchoCord);

std::vector<absl::Cord> Reversed(std::vector<absl::Cord> cords) {
  std::reverse(cords.begin(), cords.end());
  return cords;
}
MULTIPROC_FUNCTION(Reversed);

absl::Cord DieOnceAndEcho(const std::string& mark, const absl::Cord& cord) {
  DieOnce(mark);
  return cord;
}
MULTIPROC_FUNCTION(DieOnceAndEcho);

absl::StatusOr<int> Refuse(bool with_payload) {
  absl::Status status = absl::UnavailableError("the task says so");
  if (with_payload) status.SetPayload("test/payload", absl::Cord("\xff\x00 x"));
  return status;
}
MULTIPROC_FUNCTION(Refuse);

int Throw() { throw std::logic_error("thrown on purpose"); }
MULTIPROC_FUNCTION(Throw);

// InheritedHandles are the worker's ends of its channel: 0 to read from, 1 to
// write to.
void WriteOnChannel(const std::string& bytes) {
  WriteAll(InheritedHandles()[1], bytes).IgnoreError();
}
MULTIPROC_FUNCTION(WriteOnChannel);

void CloseChannel() {
  CloseHandleOf(InheritedHandles()[1]);
  PauseForEver();
}
MULTIPROC_FUNCTION(CloseChannel);

std::string ReadInput() { return *ReadToEnd(StandardInput()); }
MULTIPROC_FUNCTION(ReadInput);

absl::StatusOr<int64_t> SquareInNestedPool(int64_t n) {
  ProcessPoolOptions options;
  options.num_workers = 1;
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  if (!pool.ok()) return pool.status();
  return (*pool)->Submit(Square, n).Get();
}
MULTIPROC_FUNCTION(SquareInNestedPool);

// At the end of its process: longer than a worker whose channel has ended is
// waited for, unless it was told to leave.
void LogAtExit(const std::string& path) {
  static std::string* const log = new std::string(path);
  std::atexit([] {
    absl::SleepFor(absl::Milliseconds(1200));
    AppendLine(*log, "at exit");
  });
}
MULTIPROC_FUNCTION(LogAtExit);

void NotRegistered() {}
void NotRegisteredOfInt(int64_t) {}

struct Unpackable {};

}  // namespace

template <>
struct Codec<Unpackable> {
  static std::string TypeName() { return "Unpackable"; }
  static void Encode(const Unpackable&, Encoder& out) {
    out.Fail("an Unpackable can't be packed");
  }
  static bool Decode(Decoder&, Unpackable*) { return true; }
};

namespace {

void TakeUnpackable(const Unpackable&) {}
MULTIPROC_FUNCTION(TakeUnpackable);

Unpackable ReturnUnpackable() { return {}; }
MULTIPROC_FUNCTION(ReturnUnpackable);

// ---- The fixture ----

// Sanitizers make a process slow to start.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr int kManyPools = 50;
#else
constexpr int kManyPools = 300;
#endif

template <typename T>
absl::Status ErrorOf(const Future<T>& future) {
  return future.Get().status();
}

void ExpectDeath(const absl::Status& status, const std::string& function) {
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_FALSE(IsTaskError(status));
  const auto failure = GetTaskFailure(status);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->function(), function);
  EXPECT_GT(failure->worker_pid(), 0);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(absl::StrCat("task ", failure->task_id())),
                    HasSubstr(function),
                    HasSubstr(absl::StrCat("attempt ", failure->attempt())),
                    HasSubstr(absl::StrCat("pid ", failure->worker_pid()))));
}

class PoolTest : public BackendTest {
 protected:
  void SetUp() override {
    // What is made once, and kept, is made now.
    [[maybe_unused]] static const auto once =
        MakePool(1)->Submit(Nothing).Get();
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

  std::unique_ptr<ProcessPool> MakePool(int num_workers) {
    return MakePool(Options(num_workers));
  }

  ProcessState before_;
};

// ---- Results ----

TEST_P(PoolTest, ReturnsResults) {
  const auto pool = MakePool(2);
  EXPECT_EQ(*pool->Submit(Square, 12).Get(), 144);
  EXPECT_EQ(*pool->Submit(Echo, "text").Get(), "text");
  EXPECT_TRUE(pool->Submit(Nothing).Get().ok());
}

TEST_P(PoolTest, TenThousandTasksComeBackEachOnce) {
  const auto pool = MakePool(4);
  const std::string path = TempPath("log");
  std::vector<Future<int64_t>> futures;
  for (int64_t i = 0; i < 10000; ++i) {
    futures.push_back(pool->Submit(LogAndReturn, path, i));
  }
  for (int64_t i = 0; i < 10000; ++i) EXPECT_EQ(*futures[i].Get(), i);
  const std::vector<std::string> lines = ReadLines(path);
  EXPECT_EQ(lines.size(), 10000);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 10000);
}

TEST_P(PoolTest, WorkersAreOtherProcessesAndReused) {
  const auto pool = MakePool(3);
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool->Submit(Pid));
  std::set<int64_t> pids;
  for (const auto& future : futures) pids.insert(*future.Get());
  EXPECT_LE(pids.size(), 3);
  EXPECT_EQ(pids.count(CurrentPid()), 0);
}

TEST_P(PoolTest, EveryWorkerHasItsFirstTaskBeforeAnyHasItsSecond) {
  const auto pool = MakePool(3);
  std::set<int64_t> pids;
  for (int i = 0; i < 3; ++i) pids.insert(*pool->Submit(Pid).Get());
  EXPECT_EQ(pids.size(), 3);
}

// Windows waits for 64 handles at most in one call.
TEST_P(PoolTest, MayHaveMoreThan64Workers) {
  const auto pool = MakePool(70);
  std::set<int64_t> pids;
  for (int i = 0; i < 70; ++i) pids.insert(*pool->Submit(Pid).Get());
  EXPECT_EQ(pids.size(), 70);
}

TEST_P(PoolTest, TasksRunInParallel) {
  const auto pool = MakePool(3);
  const std::vector<std::string> fifos = {NewFifo(), NewFifo(), NewFifo()};
  for (const std::string& fifo : fifos) pool->Submit(Hang, fifo);
  std::set<std::string> pids;
  for (const std::string& fifo : fifos) pids.insert(ReadFifo(fifo));
  EXPECT_EQ(pids.size(), 3);
  pool->Terminate();
}

TEST_P(PoolTest, TasksStartInOrder) {
  const auto pool = MakePool(1);
  const std::string path = TempPath("log");
  for (int64_t i = 0; i < 5; ++i) pool->Submit(LogAndReturn, path, i);
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_THAT(ReadLines(path), ElementsAre("0", "1", "2", "3", "4"));
}

TEST_P(PoolTest, GreatMessagesPassInBothDirectionsAtOnce) {
  ProcessPoolOptions options = Options(2);
  options.max_leased_tasks = 4;
  const auto pool = MakePool(options);
  const std::string text(8 << 20, 'x');
  std::vector<Future<std::string>> futures;
  for (int i = 0; i < 8; ++i) futures.push_back(pool->Submit(Echo, text));
  for (const auto& future : futures) EXPECT_TRUE(*future.Get() == text);
}

// What comes back shares memory with nothing that is changed or released.
TEST_P(PoolTest, GreatCordsPassInBothDirectionsAtOnce) {
  std::vector<absl::Cord> kept;
  {
    const auto pool = MakePool(2);
    std::vector<Future<absl::Cord>> futures;
    for (int i = 0; i < 8; ++i) {
      absl::Cord cord(std::string(1 << 20, static_cast<char>('a' + i)));
      cord.Append(std::string(1000, '.'));
      cord.Append(std::string(i << 18, static_cast<char>('A' + i)));
      futures.push_back(pool->Submit(EchoCord, cord));
    }
    for (const auto& future : futures) {
      ASSERT_TRUE(future.Get().ok()) << future.Get().status();
      kept.push_back(*future.Get());
      EXPECT_EQ(*future.Get(), kept.back());
    }
  }
  for (int i = 0; i < 8; ++i) {
    const std::string expected = std::string(1 << 20, 'a' + i) +
                                 std::string(1000, '.') +
                                 std::string(i << 18, 'A' + i);
    EXPECT_TRUE(kept[i] == expected) << i;
  }
}

// (As strings: UBSan minds how Abseil compares empty Cords.)
TEST_P(PoolTest, CordsOfAnySizePass) {
  const auto pool = MakePool(1);
  for (const size_t size : {0, 1, 32767, 32768, 100000}) {
    const std::string text(size, 'x');
    const absl::StatusOr<absl::Cord> one =
        pool->Submit(EchoCord, absl::Cord(text)).Get();
    ASSERT_TRUE(one.ok()) << one.status();
    EXPECT_TRUE(std::string(*one) == text) << size;
    const std::vector<absl::Cord> cords(3, absl::Cord(text));
    for (const auto& three :
         {pool->Submit(Reversed, cords).Get(), pool->Map(EchoCord, cords)}) {
      ASSERT_TRUE(three.ok()) << three.status();
      ASSERT_EQ(three->size(), 3);
      for (const absl::Cord& cord : *three) {
        EXPECT_TRUE(std::string(cord) == text) << size;
      }
    }
  }
  EXPECT_EQ(pool->Submit(EchoCord, absl::Cord(std::string(65 << 20, 'x')))
                .Get()
                .status()
                .code(),
            absl::StatusCode::kResourceExhausted);
}

// Its releaser may call the pool: that holds no lock.
TEST_P(PoolTest, AGreatCordIsKeptForAnotherAttempt) {
  const auto pool = MakePool(1);
  const std::string text(100000, 'x');
  auto memory = std::make_unique<std::string>(text);
  const absl::string_view bytes = *memory;
  absl::Notification released;
  Future<int64_t> later;
  TaskOptions options;
  options.max_attempts = 2;
  const Future<absl::Cord> future =
      pool->Submit(options, DieOnceAndEcho, TempPath("mark"),
                   absl::MakeCordFromExternal(bytes, [&] {
                     std::fill(memory->begin(), memory->end(), 'y');
                     memory = nullptr;
                     later = pool->Submit(Square, 3);
                     released.Notify();
                   }));
  EXPECT_TRUE(*future.Get() == text);
  released.WaitForNotification();
  EXPECT_EQ(*later.Get(), 9);
  // What comes is no copy either.
  EXPECT_EQ(future.Get()->chunk_begin()->data(),
            future.Get()->chunk_begin()->data());
}

// What is read together with the end of a great answer must not wait for
// something else to be read.
TEST_P(PoolTest, SmallAnswersBehindAGreatOneComeBack) {
  ProcessPoolOptions options = Options(1);
  options.max_leased_tasks = 4;
  const auto pool = MakePool(options);
  for (int i = 0; i < 30; ++i) {
    const auto great = pool->Submit(Repeat, size_t{2} << 20);
    std::vector<Future<int64_t>> small;
    for (int64_t n = 0; n < 3; ++n) small.push_back(pool->Submit(Square, n));
    EXPECT_EQ(great.Get()->size(), size_t{2} << 20);
    for (int64_t n = 0; n < 3; ++n) EXPECT_EQ(*small[n].Get(), n * n);
  }
}

TEST_P(PoolTest, AWorkerThatDoesNotReadBlocksNobody) {
  absl::Notification four_are_back;
  std::atomic<int> count{0};
  ProcessPoolOptions options = Options(2);
  options.max_leased_tasks = 4;
  const auto pool = MakePool(options);
  const std::string fifo = NewFifo();
  const auto blocked = pool->Submit(WaitForReader, fifo, 7);
  // More than its pipe takes is leased to the blocked worker, too.
  const std::string text(1 << 20, 'x');
  std::vector<Future<std::string>> behind;
  for (int i = 0; i < 7; ++i) {
    behind.push_back(pool->Submit(Echo, text));
    behind.back().OnDone([&](const absl::StatusOr<std::string>&) {
      if (++count == 4) four_are_back.Notify();
    });
  }
  // Those of the other worker, at least, come back.
  four_are_back.WaitForNotification();
  EXPECT_FALSE(blocked.Ready());
  ReadFifo(fifo);
  EXPECT_EQ(*blocked.Get(), 7);
  for (const auto& future : behind) EXPECT_TRUE(*future.Get() == text);
}

TEST_P(PoolTest, TwoPoolsLiveSideBySide) {
  const auto a = MakePool(2);
  const auto b = MakePool(2);
  std::vector<Future<int64_t>> futures;
  for (int64_t i = 0; i < 100; ++i) {
    futures.push_back((i % 2 == 0 ? a : b)->Submit(Square, i));
  }
  for (int64_t i = 0; i < 100; ++i) EXPECT_EQ(*futures[i].Get(), i * i);
  a->Close();
  EXPECT_TRUE(a->Join().ok()) << "b's workers must not hold a's pipes";
  EXPECT_EQ(*b->Submit(Square, 3).Get(), 9);
}

TEST_P(PoolTest, WorkersReadNothingFromStandardInput) {
  const auto pool = MakePool(1);
  EXPECT_EQ(*pool->Submit(ReadInput).Get(), "");
}

TEST_P(PoolTest, APoolMayBeNested) {
  const ScopedVariable variable("MULTIPROC_EXECUTOR", GetParam());
  const auto pool = MakePool(2);
  EXPECT_EQ(*pool->Submit(SquareInNestedPool, 5).Get(), 25);
}

TEST_P(PoolTest, ManyThreadsMaySubmit) {
  const auto pool = MakePool(2);
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int64_t i = t * 100; i < t * 100 + 100; ++i) {
        EXPECT_EQ(*pool->Submit(Square, i).Get(), i * i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(PoolTest, GetMaySpin) {
  ProcessPoolOptions options = Options(2);
  options.spin_time = absl::Milliseconds(1);
  const auto pool = MakePool(options);
  for (int64_t i = 0; i < 200; ++i) {
    EXPECT_EQ(*pool->Submit(Square, i).Get(), i * i);
  }
  ExpectDeath(pool->Submit(Die, kSigKill).Get(), "Die");
  TaskOptions short_time;
  short_time.timeout = absl::Milliseconds(20);
  EXPECT_TRUE(absl::IsDeadlineExceeded(pool->Submit(short_time, Pause).Get()));
}

TEST_P(PoolTest, GetWaitsNoLongerThanItIsTold) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  const auto future = pool->Submit(WaitForReader, fifo, 7);
  EXPECT_FALSE(future.WaitWithTimeout(absl::Milliseconds(20)));
  ReadFifo(fifo);
  EXPECT_EQ(*future.Get(), 7);
}

// Several threads that wait for one task, of which one waits on its pipe.
TEST_P(PoolTest, ManyThreadsMayWaitForOneTask) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  const auto future = pool->Submit(WaitForReader, fifo, 7);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&future] { EXPECT_EQ(*future.Get(), 7); });
  }
  ReadFifo(fifo);
  for (std::thread& thread : threads) thread.join();
}

// ---- Leases ----

// Without the second worker's help they would wait for ever.
TEST_P(PoolTest, WhatWaitsBehindALongTaskRunsElsewhere) {
  for (const int leases : {0, 8}) {
    ProcessPoolOptions options = Options(2);
    options.max_leased_tasks = leases;
    const auto pool = MakePool(options);
    // So that the pool knows its tasks as short ones.
    for (int64_t i = 0; i < 100; ++i) pool->Submit(Square, i);
    const std::string path = TempPath("log");
    const std::string fifo = NewFifo();
    std::vector<Future<int64_t>> futures;
    const auto blocked = pool->Submit(WaitForReader, fifo, -1);
    for (int64_t i = 0; i < 200; ++i) {
      futures.push_back(pool->Submit(LogAndReturn, path, i));
    }
    for (int64_t i = 0; i < 200; ++i) EXPECT_EQ(*futures[i].Get(), i);
    EXPECT_FALSE(blocked.Ready());
    ReadFifo(fifo);
    EXPECT_EQ(*blocked.Get(), -1);
    EXPECT_EQ(ReadLines(path).size(), 200) << "each has run once";
  }
}

// A worker alone gathers what it has answered: that is not to wait for the end
// of a long task behind it.
TEST_P(PoolTest, AnswersDoNotWaitForALongTask) {
  ProcessPoolOptions options = Options(1);
  options.max_leased_tasks = 100;
  const auto pool = MakePool(options);
  const std::string gate = NewFifo();
  const std::string fifo = NewFifo();
  // All are leased together, behind this one.
  const auto first = pool->Submit(WaitForReader, gate, 1);
  std::vector<Future<int64_t>> futures;
  for (int64_t i = 0; i < 50; ++i) futures.push_back(pool->Submit(Square, i));
  const auto blocked = pool->Submit(WaitForReader, fifo, 2);
  ReadFifo(gate);
  EXPECT_EQ(*first.Get(), 1);
  for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(*futures[i].Get(), i * i);
  EXPECT_FALSE(blocked.Ready());
  ReadFifo(fifo);
  EXPECT_EQ(*blocked.Get(), 2);
}

TEST_P(PoolTest, AnswersBeforeADeathAreKept) {
  ProcessPoolOptions options = Options(1);
  options.max_leased_tasks = 100;
  const auto pool = MakePool(options);
  for (int round = 0; round < 20; ++round) {
    std::vector<Future<int64_t>> futures;
    for (int64_t i = 0; i < 50; ++i) futures.push_back(pool->Submit(Square, i));
    const auto victim = pool->Submit(Die, kSigKill);
    const auto behind = pool->Submit(Square, 3);
    for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(*futures[i].Get(), i * i);
    ExpectDeath(victim.Get(), "Die");
    EXPECT_EQ(*behind.Get(), 9);
  }
}

// ---- Map ----

TEST_P(PoolTest, MapReturnsResultsInOrder) {
  const auto pool = MakePool(2);
  for (const size_t size : {0, 1, 7, 100000}) {
    std::vector<int64_t> items(size);
    std::iota(items.begin(), items.end(), -3);
    const auto squares = pool->Map(Square, items);
    ASSERT_TRUE(squares.ok()) << squares.status();
    ASSERT_EQ(squares->size(), size);
    for (size_t i = 0; i < size; ++i) {
      ASSERT_EQ((*squares)[i], items[i] * items[i]);
    }
  }
}

TEST_P(PoolTest, MapTakesAnyRange) {
  const auto pool = MakePool(2);
  const std::forward_list<int> list = {1, 2, 3};
  EXPECT_THAT(*pool->Map(Square, list), ElementsAre(1, 4, 9));
  const char* const words[] = {"a", "bc"};
  EXPECT_THAT(*pool->Map(Echo, words), ElementsAre("a", "bc"));
  const std::vector<std::string> great(4, std::string(100000, 'x'));
  EXPECT_TRUE(*pool->Map(Echo, great) == great);
}

TEST_P(PoolTest, MapOfAFunctionWithoutAResultGivesAStatus) {
  const auto pool = MakePool(2);
  const std::string path = TempPath("log");
  const std::vector<std::string> items(1000, path);
  EXPECT_TRUE(pool->Map(LogLine, items).ok());
  EXPECT_EQ(ReadLines(path).size(), 1000);
}

TEST_P(PoolTest, MapEndsWithItsFirstError) {
  const auto pool = MakePool(2);
  std::vector<int64_t> items(10000);
  std::iota(items.begin(), items.end(), 0);
  const absl::Status status = pool->Map(RefuseOdd, items).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(status.message(), "1 is odd");
  EXPECT_TRUE(IsTaskError(status));
  EXPECT_TRUE(absl::IsUnknown(
      pool->Map(ThrowIf, std::vector<bool>{false, true}).status()));
  EXPECT_TRUE(absl::IsNotFound(pool->Map(NotRegisteredOfInt, items)));
}

TEST_P(PoolTest, AWorkerThatDiesInAMapIsItsError) {
  const auto pool = MakePool(2);
  const std::vector<int> signals(3, kSigKill);
  ExpectDeath(pool->Map(Die, signals), "Die");
  EXPECT_THAT(*pool->Map(Square, std::vector<int64_t>{5}), ElementsAre(25));
}

TEST_P(PoolTest, AMapAfterCloseIsRefused) {
  const auto pool = MakePool(1);
  pool->Close();
  EXPECT_TRUE(absl::IsFailedPrecondition(
      pool->Map(Square, std::vector<int64_t>{5}).status()));
}

// ---- Errors of tasks ----

TEST_P(PoolTest, ATasksErrorIsItsOwn) {
  const auto pool = MakePool(1);
  const absl::Status status = ErrorOf(pool->Submit(Refuse, true));
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "the task says so");
  EXPECT_EQ(status.GetPayload("test/payload"), absl::Cord("\xff\x00 x"));
  EXPECT_TRUE(IsTaskError(status));
  EXPECT_FALSE(GetTaskFailure(status).has_value());
}

TEST_P(PoolTest, AnExceptionComesBackAsAStatus) {
  const auto pool = MakePool(1);
  const absl::Status status = ErrorOf(pool->Submit(Throw));
  EXPECT_TRUE(absl::IsUnknown(status));
  EXPECT_EQ(status.message(), "std::logic_error: thrown on purpose");
  EXPECT_TRUE(IsTaskError(status));
  EXPECT_EQ(*pool->Submit(Square, 2).Get(), 4) << "the worker lives on";
}

// ---- Deaths ----

TEST_P(PoolTest, AKilledWorkerCostsItsTaskAndNoOther) {
  const auto pool = MakePool(2);
  const std::string fifo = NewFifo();
  std::vector<Future<int64_t>> before;
  std::vector<Future<int64_t>> after;
  for (int64_t i = 0; i < 50; ++i) before.push_back(pool->Submit(Square, i));
  const Future<void> victim = pool->Submit(Hang, fifo);
  for (int64_t i = 0; i < 50; ++i) after.push_back(pool->Submit(Square, i));
  const std::string pid = ReadFifo(fifo);
  ASSERT_TRUE(KillPid(std::atoll(pid.c_str())).ok());
  const absl::Status status = victim.Get();
  ExpectDeath(status, "Hang");
  EXPECT_EQ(GetTaskFailure(status)->signal(), kSigKill);
  EXPECT_EQ(absl::StrCat(GetTaskFailure(status)->worker_pid()), pid);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("worker was killed by signal 9"));
  for (int64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(*before[i].Get(), i * i);
    EXPECT_EQ(*after[i].Get(), i * i);
  }
}

// With several tasks leased to a worker the one that it ran is lost, those
// behind it run elsewhere, and nothing runs twice.
TEST_P(PoolTest, ADeathCostsOneOfTheLeasedTasks) {
  ProcessPoolOptions options = Options(2);
  options.max_leased_tasks = 8;
  const auto pool = MakePool(options);
  const std::string path = TempPath("log");
  std::vector<Future<int64_t>> futures;
  for (int64_t i = 0; i < 100; ++i) {
    futures.push_back(pool->Submit(LogAndDieIf, path, i, 37));
  }
  for (int64_t i = 0; i < 100; ++i) {
    if (i == 37) {
      ExpectDeath(ErrorOf(futures[i]), "LogAndDieIf");
    } else {
      EXPECT_EQ(*futures[i].Get(), i);
    }
  }
  const std::vector<std::string> lines = ReadLines(path);
  EXPECT_EQ(lines.size(), 100) << "each has run once";
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 100);
}

TEST_P(PoolTest, EveryTaskMayKillItsWorker) {
  const auto pool = MakePool(2);
  std::vector<Future<void>> futures;
  for (int i = 0; i < 30; ++i) futures.push_back(pool->Submit(Die, kSigKill));
  for (const auto& future : futures) ExpectDeath(future.Get(), "Die");
  EXPECT_EQ(*pool->Submit(Square, 6).Get(), 36) << "the pool never breaks";
}

TEST_P(PoolTest, AnExitInATaskIsReportedWithItsCode) {
  const auto pool = MakePool(1);
  const absl::Status status = pool->Submit(Leave, 3).Get();
  ExpectDeath(status, "Leave");
  EXPECT_EQ(GetTaskFailure(status)->exit_code(), 3);
  EXPECT_FALSE(GetTaskFailure(status)->has_signal());
  EXPECT_THAT(std::string(status.message()), HasSubstr("exited with code 3"));
}

TEST_P(PoolTest, ATaskIsTriedAgainIfItMayBe) {
  ProcessPoolOptions options = Options(1);
  options.max_attempts = 2;
  const auto pool = MakePool(options);
  EXPECT_EQ(*pool->Submit(DieOnce, TempPath("mark")).Get(), "second");
  TaskOptions once;
  once.max_attempts = 1;
  ExpectDeath(ErrorOf(pool->Submit(once, DieOnce, TempPath("mark"))),
              "DieOnce");
  const absl::Status status = pool->Submit(Die, kSigKill).Get();
  ExpectDeath(status, "Die");
  EXPECT_EQ(GetTaskFailure(status)->attempt(), 2);
}

TEST_P(PoolTest, GarbageOnTheChannelIsQuotedAndCostsOneTask) {
  const auto pool = MakePool(1);
  const absl::Status status =
      pool->Submit(WriteOnChannel, "Hello, stdout!\n").Get();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("WriteOnChannel"), HasSubstr("Hello, stdout!\\n")));
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
}

TEST_P(PoolTest, AFrameOverTheLimitIsRefusedBeforeItComes) {
  const auto pool = MakePool(1);
  const absl::Status status =
      pool->Submit(WriteOnChannel,
                   std::string("\xF5M\x01\x03\xff\xff\xff\xff", 8))
          .Get();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("4294967295 bytes"));
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
}

TEST_P(PoolTest, HalfAFrameIsNotWaitedForForEver) {
  ProcessPoolOptions options = Options(1);
  options.frame_timeout = absl::Milliseconds(50);
  const auto pool = MakePool(options);
  const absl::Status status =
      pool->Submit(WriteOnChannel, std::string("\xF5M\x01\x03\0\0\0\x03", 8))
          .Get();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("in the middle"));
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
}

TEST_P(PoolTest, AnAnswerToAnotherTaskIsRefused) {
  const auto pool = MakePool(1);
  // A TaskResponse with task_id 99 and an empty result.
  const absl::Status status =
      pool->Submit(WriteOnChannel,
                   std::string("\xF5M\x01\x03\x04\0\0\0\x08\x63\x12\0", 12))
          .Get();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("task 99"));
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
}

TEST_P(PoolTest, AWorkerThatClosesItsChannelIsReplaced) {
  ProcessPoolOptions options = Options(1);
  options.worker_exit_timeout = absl::Milliseconds(200);
  const auto pool = MakePool(options);
  const absl::Status status = pool->Submit(CloseChannel).Get();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("closed its channel"));
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
}

TEST_P(PoolTest, IdleWorkersAreReplaced) {
  const auto pool = MakePool(1);
  const int64_t pid = *pool->Submit(Pid).Get();
  ASSERT_TRUE(KillPid(pid).ok());
  // This one may still be leased to the dead; then it is lost with it.
  const absl::StatusOr<int64_t> next = pool->Submit(Pid).Get();
  EXPECT_TRUE(next.ok() || absl::IsUnavailable(next.status()));
  EXPECT_NE(*pool->Submit(Pid).Get(), pid);
}

// ---- Deadlines ----

TEST_P(PoolTest, ATaskThatOverrunsIsKilledAndTheOthersNoticeNothing) {
  const auto pool = MakePool(2);
  TaskOptions options;
  options.timeout = absl::Milliseconds(50);
  const Future<void> slow = pool->Submit(options, Pause);
  std::vector<Future<int64_t>> others;
  for (int64_t i = 0; i < 20; ++i) others.push_back(pool->Submit(Square, i));
  const absl::Status status = slow.Get();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_FALSE(IsTaskError(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("Pause"), HasSubstr("50ms")));
  EXPECT_EQ(GetTaskFailure(status)->function(), "Pause");
  for (int64_t i = 0; i < 20; ++i) EXPECT_EQ(*others[i].Get(), i * i);
}

// Waiting in the queue does not count: the second task has its whole time,
// although it was submitted long before it could start.
TEST_P(PoolTest, DeadlinesRunFromTheStart) {
  for (const int leases : {1, 4}) {
    ProcessPoolOptions pool_options = Options(1);
    pool_options.max_leased_tasks = leases;
    const auto pool = MakePool(pool_options);
    const std::string fifo = NewFifo();
    const auto first = pool->Submit(WaitForReader, fifo, 1);
    TaskOptions options;
    options.timeout = absl::Seconds(2);
    const auto second = pool->Submit(options, Square, 3);
    EXPECT_FALSE(second.WaitWithTimeout(options.timeout * 1.2));
    ReadFifo(fifo);
    EXPECT_EQ(*first.Get(), 1);
    EXPECT_EQ(*second.Get(), 9);
  }
}

TEST_P(PoolTest, ThePoolHasATimeoutForAll) {
  ProcessPoolOptions pool_options = Options(1);
  pool_options.task_timeout = absl::Milliseconds(20);
  const auto pool = MakePool(pool_options);
  const absl::Status status = pool->Submit(Pause).Get();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("timeout of 20ms"));
  TaskOptions options;
  options.timeout = absl::InfiniteDuration();
  const std::string fifo = NewFifo();
  const auto future = pool->Submit(options, WaitForReader, fifo, 7);
  EXPECT_FALSE(future.WaitWithTimeout(5 * pool_options.task_timeout));
  ReadFifo(fifo);
  EXPECT_EQ(*future.Get(), 7);
}

// ---- Limits ----

TEST_P(PoolTest, ArgumentsOverTheLimitAreRefused) {
  ProcessPoolOptions options = Options(1);
  options.max_frame_bytes = 4096;
  const auto pool = MakePool(options);
  const absl::Status status =
      ErrorOf(pool->Submit(Echo, std::string(4096, 'x')));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("Echo"), HasSubstr("max_frame_bytes")));
  EXPECT_EQ(pool->Submit(Echo, std::string(3900, 'x')).Get()->size(), 3900);
}

TEST_P(PoolTest, AResultOverTheLimitIsAnErrorAndNotADeath) {
  ProcessPoolOptions options = Options(1);
  options.max_frame_bytes = 4096;
  const auto pool = MakePool(options);
  const int64_t pid = *pool->Submit(Pid).Get();
  const absl::Status status = ErrorOf(pool->Submit(Repeat, size_t{5000}));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_FALSE(IsTaskError(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("Repeat"), HasSubstr("max_frame_bytes")));
  EXPECT_EQ(*pool->Submit(Pid).Get(), pid);
}

TEST_P(PoolTest, OptionsOutOfRangeAreInvalid) {
  const auto expect_invalid = [this](const std::string& option, auto change) {
    ProcessPoolOptions options = Options(1);
    change(options);
    const absl::Status status = ProcessPool::Create(options).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(option));
  };
  expect_invalid("num_workers", [](auto& o) { o.num_workers = -1; });
  expect_invalid("num_workers", [](auto& o) { o.num_workers = 10001; });
  expect_invalid("max_frame_bytes", [](auto& o) { o.max_frame_bytes = 0; });
  expect_invalid("max_frame_bytes",
                 [](auto& o) { o.max_frame_bytes = size_t{1} << 31; });
  expect_invalid("max_attempts", [](auto& o) { o.max_attempts = 0; });
  expect_invalid("max_leased_tasks", [](auto& o) { o.max_leased_tasks = -1; });
  expect_invalid("max_leased_tasks",
                 [](auto& o) { o.max_leased_tasks = 65537; });
  expect_invalid("task_timeout",
                 [](auto& o) { o.task_timeout = absl::ZeroDuration(); });
  expect_invalid("task_soft_timeout",
                 [](auto& o) { o.task_soft_timeout = absl::ZeroDuration(); });
  expect_invalid("worker_start_timeout",
                 [](auto& o) { o.worker_start_timeout = -absl::Seconds(1); });
  expect_invalid("worker_exit_timeout",
                 [](auto& o) { o.worker_exit_timeout = absl::ZeroDuration(); });
}

TEST_P(PoolTest, TaskOptionsOutOfRangeAreInvalid) {
  const auto pool = MakePool(1);
  TaskOptions options;
  options.timeout = -absl::Seconds(1);
  EXPECT_TRUE(absl::IsInvalidArgument(ErrorOf(pool->Submit(options, Pid))));
  options = TaskOptions();
  options.max_attempts = -1;
  EXPECT_TRUE(absl::IsInvalidArgument(ErrorOf(pool->Submit(options, Pid))));
}

TEST_P(PoolTest, CallsThatCannotBeMadeSayWhy) {
  const auto pool = MakePool(1);
  const absl::Status unknown = pool->Submit(NotRegistered).Get();
  EXPECT_TRUE(absl::IsNotFound(unknown)) << unknown;
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("MULTIPROC_FUNCTION"));
  const absl::Status argument =
      pool->Submit(TakeUnpackable, Unpackable()).Get();
  EXPECT_TRUE(absl::IsInvalidArgument(argument)) << argument;
  const absl::Status result = ErrorOf(pool->Submit(ReturnUnpackable));
  EXPECT_TRUE(absl::IsInvalidArgument(result)) << result;
  EXPECT_THAT(std::string(result.message()), HasSubstr("ReturnUnpackable"));
}

// ---- The end ----

TEST_P(PoolTest, CloseRefusesNewTasksAndRunsTheOld) {
  const auto pool = MakePool(2);
  std::vector<Future<int64_t>> futures;
  for (int64_t i = 0; i < 20; ++i) futures.push_back(pool->Submit(Square, i));
  pool->Close();
  pool->Close();
  const absl::Status status = ErrorOf(pool->Submit(Square, 1));
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("closed"));
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_TRUE(pool->Join().ok());
  for (int64_t i = 0; i < 20; ++i) {
    EXPECT_TRUE(futures[i].Ready());
    EXPECT_EQ(*futures[i].Get(), i * i);
  }
}

TEST_P(PoolTest, ManyThreadsMayJoin) {
  absl::Notification go_on;
  std::atomic<bool> returned{false};
  const auto pool = MakePool(1);
  pool->Submit(Nothing).OnDone([&](const absl::Status&) {
    go_on.WaitForNotification();
    returned = true;
  });
  pool->Close();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      EXPECT_TRUE(pool->Join().ok());
      EXPECT_TRUE(returned);
    });
  }
  go_on.Notify();
  for (std::thread& thread : threads) thread.join();
}

TEST_P(PoolTest, JoinBeforeCloseIsRefused) {
  const auto pool = MakePool(1);
  EXPECT_TRUE(absl::IsFailedPrecondition(pool->Join()));
}

TEST_P(PoolTest, ADeathAfterCloseStillCostsOneTask) {
  const auto pool = MakePool(1);
  const Future<void> victim = pool->Submit(Die, kSigKill);
  const Future<int64_t> next = pool->Submit(Square, 4);
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
  ExpectDeath(victim.Get(), "Die");
  EXPECT_EQ(*next.Get(), 16);
}

TEST_P(PoolTest, TerminateCancelsWhatHasNoOutcome) {
  const auto pool = MakePool(1);
  const std::string fifo = NewFifo();
  const Future<int64_t> done = pool->Submit(Square, 2);
  EXPECT_EQ(*done.Get(), 4);
  const Future<void> running = pool->Submit(Hang, fifo);
  const Future<int64_t> queued = pool->Submit(Square, 3);
  ReadFifo(fifo);
  pool->Terminate();
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_TRUE(absl::IsCancelled(running.Get()));
  EXPECT_TRUE(absl::IsCancelled(ErrorOf(queued)));
  EXPECT_EQ(*done.Get(), 4);
  EXPECT_TRUE(absl::IsFailedPrecondition(ErrorOf(pool->Submit(Square, 1))));
}

TEST_P(PoolTest, TheDestructorRunsWhatWasSubmitted) {
  std::vector<Future<int64_t>> futures;
  {
    const auto pool = MakePool(2);
    for (int64_t i = 0; i < 50; ++i) futures.push_back(pool->Submit(Square, i));
  }
  for (int64_t i = 0; i < 50; ++i) {
    EXPECT_TRUE(futures[i].Ready());
    EXPECT_EQ(*futures[i].Get(), i * i) << "a future outlives its pool";
  }
}

TEST_P(PoolTest, AWorkerHasTimeToLeave) {
  if (is_fork()) GTEST_SKIP() << "a forked function ends by _exit";
  const std::string path = TempPath("log");
  {
    const auto pool = MakePool(1);
    EXPECT_TRUE(pool->Submit(LogAtExit, path).Get().ok());
  }
  EXPECT_THAT(ReadLines(path), ElementsAre("at exit"));
}

TEST_P(PoolTest, AWorkerThatDoesNotLeaveIsKilled) {
  if (is_fork()) GTEST_SKIP() << "a forked function ends by _exit";
  const std::string path = TempPath("log");
  {
    ProcessPoolOptions options = Options(1);
    options.worker_exit_timeout = absl::Milliseconds(1);
    const auto pool = MakePool(options);
    EXPECT_TRUE(pool->Submit(LogAtExit, path).Get().ok());
  }
  EXPECT_THAT(ReadLines(path), ElementsAre());
}

TEST_P(PoolTest, ManyPoolsLeaveNothingBehind) {
  MakePool(2);
  const ProcessState before = ProcessState::Now();
  // The start of a process is slow there, too.
  const int count = is_windows() ? 40 : kManyPools;
  for (int i = 0; i < count; ++i) {
    const auto pool = MakePool(2);
    if (i % 2 == 0) pool->Submit(Square, i);
    if (i % 3 == 0) pool->Terminate();
  }
  EXPECT_EQ(LeftBehindSince(before), "");
}

// ---- Callbacks ----

TEST_P(PoolTest, CallbacksMaySubmit) {
  absl::Notification done;
  absl::StatusOr<int64_t> outcome;
  const auto pool = MakePool(1);
  pool->Submit(Square, 3).OnDone([&](const absl::StatusOr<int64_t>& first) {
    pool->Submit(Square, *first)
        .OnDone([&](const absl::StatusOr<int64_t>& second) {
          outcome = second;
          done.Notify();
        });
  });
  done.WaitForNotification();
  EXPECT_EQ(*outcome, 81);
}

TEST_P(PoolTest, ACallbackThatBlocksHoldsUpNoTask) {
  absl::Notification go_on;  // Outlives the pool, and so its callbacks.
  const auto pool = MakePool(1);
  pool->Submit(Square, 1).OnDone(
      [&](const absl::StatusOr<int64_t>&) { go_on.WaitForNotification(); });
  EXPECT_EQ(*pool->Submit(Square, 5).Get(), 25);
  go_on.Notify();
}

TEST_P(PoolTest, JoinWaitsForCallbacks) {
  std::atomic<int> called{0};
  const auto pool = MakePool(2);
  for (int i = 0; i < 20; ++i) {
    pool->Submit(Nothing).OnDone([&](const absl::Status&) { ++called; });
  }
  pool->Close();
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_EQ(called, 20);
}

TEST_P(PoolTest, JoinWithinACallbackIsRefused) {
  absl::Status joined;
  absl::Notification done;
  const auto pool = MakePool(1);
  pool->Submit(Nothing).OnDone([&](const absl::Status&) {
    pool->Close();
    joined = pool->Join();
    done.Notify();
  });
  done.WaitForNotification();
  EXPECT_TRUE(absl::IsFailedPrecondition(joined)) << joined;
}

// ---- Workers that can't be started ----

// Starts what `make` says instead of the first `healthy` workers' successors.
class FailingExecutor : public Executor {
 public:
  FailingExecutor(Executor& real, int healthy,
                  absl::StatusOr<Process> (*make)(Executor&, const Command&))
      : real_(real), healthy_(healthy), make_(make) {}

  absl::string_view name() const override { return "failing"; }
  absl::StatusOr<Process> Spawn(const Command& command) override {
    return count_++ < healthy_ ? real_.Spawn(command) : make_(real_, command);
  }

 private:
  Executor& real_;
  const int healthy_;
  absl::StatusOr<Process> (*const make_)(Executor&, const Command&);
  std::atomic<int> count_{0};
};

absl::StatusOr<Process> SpawnFalse(Executor& real, const Command&) {
  return real.Spawn(Command::Program(std::getenv("TEST_CHILD"), {"exit", "1"}));
}

absl::StatusOr<Process> RefuseToSpawn(Executor&, const Command&) {
  return absl::ResourceExhaustedError("no more processes today");
}

// Holds the channel, and says nothing.
absl::StatusOr<Process> SpawnPause(Executor& real, const Command& worker) {
  Command pause = Command::Program(std::getenv("TEST_CHILD"), {"pause"});
  pause.inherited_handles = worker.inherited_handles;
  return real.Spawn(pause);
}

TEST_P(PoolTest, ACrashLoopFailsThePoolWithItsReason) {
  FailingExecutor failing(executor(), 0, SpawnFalse);
  ProcessPoolOptions options = Options(2);
  options.executor = &failing;
  const auto pool = MakePool(options);
  const Future<int64_t> future = pool->Submit(Square, 3);
  const absl::Status status = ErrorOf(future);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("the pool failed"), HasSubstr("exited with code 1")));
  EXPECT_EQ(ErrorOf(pool->Submit(Square, 3)), status);
  EXPECT_EQ(pool->Join(), status);
}

TEST_P(PoolTest, WorkersThatDieAfterHelloAreACrashLoopToo) {
  FailingExecutor failing(
      executor(), 0, [](Executor& real, const Command& worker) {
        Command command = Command::Function(SayHelloAndLeave);
        command.inherited_handles = worker.inherited_handles;
        return real.Spawn(command);
      });
  ProcessPoolOptions options = Options(2);
  options.executor = &failing;
  const auto pool = MakePool(options);
  // Not for a task's sake: there is none. Join returns once the pool has
  // failed.
  absl::Status status;
  while (status.ok()) status = ErrorOf(pool->Submit(Square, 3));
  // Tasks that were leased to one of them end with it, until the pool fails.
  while (GetTaskFailure(status).has_value()) {
    status = ErrorOf(pool->Submit(Square, 3));
  }
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("before their first answer"),
                    HasSubstr("exited with code 4")));
}

TEST_P(PoolTest, APoolWhoseFirstWorkerCannotStartIsNotMade) {
  FailingExecutor failing(executor(), 1, RefuseToSpawn);
  ProcessPoolOptions options = Options(2);
  options.executor = &failing;
  const absl::Status status = ProcessPool::Create(options).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(status.message(), "no more processes today");
}

TEST_P(PoolTest, RefusedReplacementsFailThePoolOnceNoWorkerIsLeft) {
  FailingExecutor failing(executor(), 2, RefuseToSpawn);
  ProcessPoolOptions options = Options(2);
  options.executor = &failing;
  const auto pool = MakePool(options);
  ExpectDeath(pool->Submit(Die, kSigKill).Get(), "Die");
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9) << "the other one goes on";
  ExpectDeath(pool->Submit(Die, kSigKill).Get(), "Die");
  const absl::Status status = ErrorOf(pool->Submit(Square, 3));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no more processes today"));
}

TEST_P(PoolTest, AWorkerThatIsNeverReadyIsKilled) {
  FailingExecutor failing(executor(), 0, SpawnPause);
  ProcessPoolOptions options = Options(1);
  options.executor = &failing;
  options.worker_start_timeout = absl::Milliseconds(10);
  const auto pool = MakePool(options);
  const absl::Status status = ErrorOf(pool->Submit(Square, 3));
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("worker_start_timeout"));
}

TEST_P(PoolTest, DoesNotMindThreads) {
  if (is_fork()) GTEST_SKIP() << "ForkTest has what fork does";
  absl::Notification stop;
  std::thread thread([&stop] { stop.WaitForNotification(); });
  EXPECT_EQ(*MakePool(2)->Submit(Square, 4).Get(), 16);
  stop.Notify();
  thread.join();
}

MULTIPROC_FOR_EVERY_BACKEND(PoolTest);

TEST(ProcessPoolTest, AnUnknownDefaultBackendIsNotFound) {
  const ScopedVariable variable("MULTIPROC_EXECUTOR", "forc");
  const absl::Status status = ProcessPool::Create().status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
}

TEST(ProcessPoolTest, ZeroWorkersAreAsManyAsCpus) {
  const auto pool = ProcessPool::Create();
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ(*(*pool)->Submit(Square, 4).Get(), 16);
  EXPECT_EQ((*pool)->Stats().each_worker.size(), CountCpus());
}

}  // namespace
}  // namespace multiproc
