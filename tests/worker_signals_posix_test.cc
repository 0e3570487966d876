// Signals that somebody sends to one worker of a pool.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/config.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/new_fifo.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

int64_t Pid() { return CurrentPid(); }
MULTIPROC_FUNCTION(Pid);

int64_t WaitForReader(const std::string& fifo) {
  WriteFifo(fifo, "");
  return CurrentPid();
}
MULTIPROC_FUNCTION(WaitForReader);

// The signal that ended a fork of this process which was sent SIGTERM.
absl::StatusOr<int> EndAFork() {
  const pid_t pid = fork();
  if (pid == 0) PauseForEver();
  int status = 0;
  if (pid < 0 || kill(pid, SIGTERM) != 0 || waitpid(pid, &status, 0) != pid) {
    return absl::InternalError("no fork");
  }
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
MULTIPROC_FUNCTION(EndAFork);

class WorkerSignalsTest : public BackendTest {
 protected:
  void SetUp() override {
    ProcessPoolOptions options;
    options.num_workers = 1;
    options.executor = &executor();
    absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
        ProcessPool::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
    pid_ = *pool_->Submit(Pid).Get();
  }

  void Send(int signal) {
    EXPECT_EQ(kill(static_cast<pid_t>(pid_), signal), 0);
  }

  PoolStats Await(const std::function<bool(const PoolStats&)>& wanted) {
    while (!wanted(pool_->Stats())) absl::SleepFor(absl::Milliseconds(1));
    return pool_->Stats();
  }

  // The next task runs, as task number `id`.
  void AwaitRunning(uint64_t id) {
    Await([id](const PoolStats& stats) {
      return !stats.each_worker.empty() &&
             stats.each_worker[0].running_task_id == id;
    });
  }

  std::unique_ptr<ProcessPool> pool_;
  int64_t pid_ = 0;
};

TEST_P(WorkerSignalsTest, SigtermLetsTheTaskEndAndTheWorkerLeave) {
  const std::string fifo = NewFifo();
  const auto busy = pool_->Submit(WaitForReader, fifo);
  const auto behind = pool_->Submit(Pid);
  AwaitRunning(2);
  Send(SIGTERM);
  ReadFifo(fifo);
  EXPECT_EQ(*busy.Get(), pid_);
  EXPECT_NE(*behind.Get(), pid_);
  const PoolStats stats = Await(
      [](const PoolStats& stats) { return stats.worker_ends.Total() == 1; });
  EXPECT_EQ(stats.worker_ends.sigterm, 1u);
  EXPECT_EQ(stats.tasks.retries, 0u);
}

TEST_P(WorkerSignalsTest, SigtermEndsAWorkerThatRunsNothing) {
  Send(SIGTERM);
  const PoolStats stats = Await(
      [](const PoolStats& stats) { return stats.worker_ends.Total() == 1; });
  EXPECT_EQ(stats.worker_ends.crashed, 1u);
  EXPECT_NE(*pool_->Submit(Pid).Get(), pid_);
}

// A supervisor may send several, each to all.
TEST_P(WorkerSignalsTest, FurtherSigtermsChangeNothing) {
  const std::string fifo = NewFifo();
  const auto busy = pool_->Submit(WaitForReader, fifo);
  AwaitRunning(2);
  for (int i = 0; i < 3; ++i) Send(SIGTERM);
  EXPECT_FALSE(busy.WaitWithTimeout(absl::Milliseconds(100)));
  Send(SIGTERM);
  ReadFifo(fifo);
  EXPECT_EQ(*busy.Get(), pid_);
}

// What the task has forked is no worker.
TEST_P(WorkerSignalsTest, SigtermEndsAForkOfATask) {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  GTEST_SKIP() << "ThreadSanitizer keeps signals from a fork with no threads";
#endif
  EXPECT_EQ(*pool_->Submit(EndAFork).Get(), SIGTERM);
  EXPECT_EQ(*pool_->Submit(Pid).Get(), pid_);
}

TEST_P(WorkerSignalsTest, SighupAndSigintChangeNothing) {
  const std::string fifo = NewFifo();
  const auto busy = pool_->Submit(WaitForReader, fifo);
  AwaitRunning(2);
  Send(SIGHUP);
  Send(SIGINT);
  ReadFifo(fifo);
  EXPECT_EQ(*busy.Get(), pid_);
  Send(SIGHUP);
  Send(SIGINT);
  EXPECT_EQ(*pool_->Submit(Pid).Get(), pid_);
}

MULTIPROC_FOR_EVERY_BACKEND(WorkerSignalsTest);

}  // namespace
}  // namespace multiproc
