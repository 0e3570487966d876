// What becomes of a pool that lives when its program exits, on every backend:
// each policy, and that none of them hangs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/process.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/new_fifo.h"
#include "tests/read_file.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

// These programs exit with a pool that nobody destroys, and so nobody joins its
// threads, which have ended.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
  return "report_thread_leaks=0";
}

namespace multiproc {
namespace {

using ::testing::ElementsAre;

constexpr int kExitCode = 7;

// ---- Tasks ----

void Log(const std::string& path, const std::string& line) {
  AppendLine(path, line);
}
MULTIPROC_FUNCTION(Log);

// Tells by the FIFO that it runs.
void Hang(const std::string& begun) {
  WriteFifo(begun, "");
  PauseForEver();
}
MULTIPROC_FUNCTION(Hang);

// Tells by the first FIFO that it runs, and ends once the second is written.
void RunUntil(const std::string& path, const std::string& begun,
              const std::string& end) {
  WriteFifo(begun, "");
  ReadFifo(end);
  AppendLine(path, "ran");
}
MULTIPROC_FUNCTION(RunUntil);

// ---- Programs ----

// A pool that nobody destroys.
ProcessPool& LeakPool(const ProcessPoolOptions& options) {
  static std::vector<std::unique_ptr<ProcessPool>>* const pools =
      new std::vector<std::unique_ptr<ProcessPool>>;
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  if (!pool.ok()) std::abort();
  pools->push_back(*std::move(pool));
  return *pools->back();
}

ProcessPoolOptions Options(AtExit at_exit, absl::Duration exit_timeout) {
  ProcessPoolOptions options;
  options.num_workers = 1;
  options.at_exit = at_exit;
  options.exit_timeout = exit_timeout;
  return options;
}

// Exits with one task that hangs and one behind it, whose outcome is logged.
void ExitWithHangingTask(int at_exit, const std::string& path,
                         const std::string& begun) {
  ProcessPool& pool =
      LeakPool(Options(static_cast<AtExit>(at_exit), absl::Milliseconds(100)));
  pool.Submit(Hang, begun);
  ReadFifo(begun);
  pool.Submit(Log, path, "behind").OnDone([path](const absl::Status& status) {
    AppendLine(path, absl::StatusCodeToString(status.code()));
  });
  std::exit(kExitCode);
}
MULTIPROC_FUNCTION(ExitWithHangingTask);

// The same, of a pool that belongs to a variable which is destroyed then.
void ExitWithStaticPool(const std::string& path, const std::string& begun) {
  static const std::unique_ptr<ProcessPool> pool =
      *ProcessPool::Create(Options(AtExit::kTerminate, absl::Seconds(10)));
  pool->Submit(Hang, begun).OnDone([path](const absl::Status& status) {
    AppendLine(path, absl::StatusCodeToString(status.code()));
  });
  ReadFifo(begun);
  std::exit(kExitCode);
}
MULTIPROC_FUNCTION(ExitWithStaticPool);

void ExitWithQueue(const std::string& path) {
  ProcessPool& pool =
      LeakPool(Options(AtExit::kRunAll, absl::InfiniteDuration()));
  for (const char* line : {"a", "b", "c"}) {
    pool.Submit(Log, path, std::string(line));
  }
  std::exit(kExitCode);
}
MULTIPROC_FUNCTION(ExitWithQueue);

// What runs ends once what is queued has been cancelled.
void ExitWithTaskThatRuns(const std::string& path, const std::string& begun,
                          const std::string& end) {
  ProcessPool& pool =
      LeakPool(Options(AtExit::kRunStarted, absl::InfiniteDuration()));
  pool.Submit(RunUntil, path, begun, end);
  ReadFifo(begun);
  pool.Submit(Log, path, "behind")
      .OnDone([path, end](const absl::Status& status) {
        AppendLine(path, absl::StatusCodeToString(status.code()));
        WriteFifo(end, "");
      });
  std::exit(kExitCode);
}
MULTIPROC_FUNCTION(ExitWithTaskThatRuns);

void Print(const std::string& text) { std::puts(text.c_str()); }
MULTIPROC_FUNCTION(Print);

int Nap(int n) {
  absl::SleepFor(absl::Milliseconds(1));
  return n;
}
MULTIPROC_FUNCTION(Nap);

// It would take a quarter of an hour.
void ExitWithMap() {
  ProcessPool& pool =
      LeakPool(Options(AtExit::kRunStarted, absl::InfiniteDuration()));
  MapOptions options;
  options.on_error = OnError::kContinue;
  pool.MapAsync(options, Nap, std::vector<int>(1'000'000));
  std::exit(kExitCode);
}
MULTIPROC_FUNCTION(ExitWithMap);

void ExitInCallback(const std::string& path) {
  ProcessPool& pool =
      LeakPool(Options(AtExit::kRunAll, absl::InfiniteDuration()));
  pool.Submit(Log, path, "ran").OnDone([](const absl::Status&) {
    std::exit(kExitCode);
  });
  PauseForEver();
}
MULTIPROC_FUNCTION(ExitInCallback);

std::unique_ptr<ProcessPool> global_pool;

// The pool is destroyed on its own thread for callbacks.
void ExitInCallbackOfAGlobal(const std::string& path) {
  ProcessPoolOptions options =
      Options(AtExit::kRunAll, absl::InfiniteDuration());
  options.on_output = [](const WorkerOutput&) { std::exit(kExitCode); };
  global_pool = *ProcessPool::Create(options);
  global_pool->Submit(Print, path);
  PauseForEver();
}
MULTIPROC_FUNCTION(ExitInCallbackOfAGlobal);

void ExitAfterTheEnd() {
  const ProcessPoolOptions options =
      Options(AtExit::kRunAll, absl::InfiniteDuration());
  auto destroyed = ProcessPool::Create(options);
  ProcessPool& terminated = LeakPool(options);
  ProcessPool& joined = LeakPool(options);
  terminated.Terminate();
  joined.Close();
  joined.Join().IgnoreError();
  *destroyed = nullptr;
  std::exit(kExitCode);
}
MULTIPROC_FUNCTION(ExitAfterTheEnd);

// A task that exits is no program that does: its pool is another process's.
void ExitInTask() { std::exit(kExitCode); }
MULTIPROC_FUNCTION(ExitInTask);

// ---- Tests ----

class PoolsAtExitTest : public BackendTest {
 protected:
  void SetUp() override { variable_.emplace("MULTIPROC_EXECUTOR", GetParam()); }

  // Runs `fn` in a process of its own, which ends by itself.
  template <typename... P, typename... Args>
  void ExpectExits(void (*fn)(P...), const Args&... args) {
    absl::StatusOr<Process> process =
        executor().Spawn(Command::Function(fn, args...));
    ASSERT_TRUE(process.ok()) << process.status();
    const absl::StatusOr<ExitStatus> status = process->Wait();
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(*status, ExitStatus::Exited(kExitCode)) << status->ToString();
  }

  const std::string log_ = TempPath("log");
  std::optional<ScopedVariable> variable_;
};

TEST_P(PoolsAtExitTest, TerminateCancelsWhatHasNoOutcome) {
  ExpectExits(ExitWithHangingTask, static_cast<int>(AtExit::kTerminate), log_,
              NewFifo());
  EXPECT_THAT(ReadLines(log_), ElementsAre("CANCELLED"));
}

TEST_P(PoolsAtExitTest, RunStartedWaitsForNoMoreThanItsTime) {
  ExpectExits(ExitWithHangingTask, static_cast<int>(AtExit::kRunStarted), log_,
              NewFifo());
  EXPECT_THAT(ReadLines(log_), ElementsAre("CANCELLED"));
}

TEST_P(PoolsAtExitTest, RunAllWaitsForNoMoreThanItsTime) {
  ExpectExits(ExitWithHangingTask, static_cast<int>(AtExit::kRunAll), log_,
              NewFifo());
  EXPECT_THAT(ReadLines(log_), ElementsAre("CANCELLED"));
}

TEST_P(PoolsAtExitTest, AStaticPoolDoesNotWaitForATaskThatHangs) {
  ExpectExits(ExitWithStaticPool, log_, NewFifo());
  EXPECT_THAT(ReadLines(log_), ElementsAre("CANCELLED"));
}

TEST_P(PoolsAtExitTest, RunAllRunsWhatWasSubmitted) {
  ExpectExits(ExitWithQueue, log_);
  EXPECT_THAT(ReadLines(log_), ElementsAre("a", "b", "c"));
}

TEST_P(PoolsAtExitTest, RunStartedRunsWhatHasBegun) {
  ExpectExits(ExitWithTaskThatRuns, log_, NewFifo(), NewFifo());
  EXPECT_THAT(ReadLines(log_), ElementsAre("CANCELLED", "ran"));
}

TEST_P(PoolsAtExitTest, RunStartedEndsAMap) { ExpectExits(ExitWithMap); }

TEST_P(PoolsAtExitTest, AnExitInACallbackDoesNotWaitForItself) {
  ExpectExits(ExitInCallback, log_);
  EXPECT_THAT(ReadLines(log_), ElementsAre("ran"));
}

TEST_P(PoolsAtExitTest, AnExitInACallbackMayDestroyThePool) {
  ExpectExits(ExitInCallbackOfAGlobal, log_);
}

TEST_P(PoolsAtExitTest, PoolsThatHaveEndedAreNoMatter) {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  if (is_fork()) {
    GTEST_SKIP() << "in a fork ThreadSanitizer starts a thread of its own with "
                    "the first pool, and so no other pool may fork";
  }
#endif
  ExpectExits(ExitAfterTheEnd);
}

TEST_P(PoolsAtExitTest, AnExitInATaskEndsNoPool) {
  ProcessPoolOptions options =
      Options(AtExit::kRunAll, absl::InfiniteDuration());
  options.executor = &executor();
  auto pool = ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  const auto exits = (*pool)->Submit(ExitInTask);
  EXPECT_TRUE(absl::IsUnavailable(exits.Get())) << exits.Get();
  EXPECT_TRUE((*pool)->Submit(Log, log_, "after").Get().ok());
  EXPECT_THAT(ReadLines(log_), ElementsAre("after"));
}

MULTIPROC_FOR_EVERY_BACKEND(PoolsAtExitTest);

}  // namespace
}  // namespace multiproc
