// What pools do on POSIX only; the counterpart of pool_windows_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>  // NOLINT(build/c++11)
#include <vector>

#include "absl/synchronization/notification.h"
#include "multiproc/executors/fork_executor.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/process_state.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

int64_t Double(int64_t n) { return 2 * n; }
MULTIPROC_FUNCTION(Double);

void KillYourself() { raise(SIGKILL); }
MULTIPROC_FUNCTION(KillYourself);

// ---- Where SIGCHLD is ignored ----

class PoolOnPosixTest : public BackendTest {
 protected:
  void SetUp() override {
    before_ = ProcessState::Now();
    signal(SIGCHLD, SIG_IGN);
  }

  void TearDown() override {
    signal(SIGCHLD, SIG_DFL);
    EXPECT_EQ(LeftBehindSince(before_), "");
  }

  ProcessState before_;
};

TEST_P(PoolOnPosixTest, APoolWorksWhereSigchldIsIgnored) {
  ProcessPoolOptions options;
  options.num_workers = 2;
  options.executor = &executor();
  const auto pool = ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ(*(*pool)->Submit(Double, 3).Get(), 6);
  const absl::Status status = (*pool)->Submit(KillYourself).Get();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_FALSE(IsTaskError(status));
  ASSERT_TRUE(GetTaskFailure(status).has_value());
  EXPECT_EQ(GetTaskFailure(status)->function(), "KillYourself");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("KillYourself"), HasSubstr("SIGCHLD")));
  EXPECT_EQ(*(*pool)->Submit(Double, 4).Get(), 8);
}

#ifdef __GLIBC__
// Threads are to have stacks that no address space has room for.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    EXPECT_EQ(pthread_getattr_default_np(&before_), 0);
    pthread_attr_t attributes;
    EXPECT_EQ(pthread_getattr_default_np(&attributes), 0);
    EXPECT_EQ(pthread_attr_setstacksize(&attributes, size_t{1} << 50), 0);
    EXPECT_EQ(pthread_setattr_default_np(&attributes), 0);
    pthread_attr_destroy(&attributes);
  }
  ~NoMoreThreads() {
    EXPECT_EQ(pthread_setattr_default_np(&before_), 0);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_;
};

// Join waits for a map that was begun, which goes on by callbacks.
TEST_P(PoolOnPosixTest, AMapAsyncNeedsACallbackThread) {
  ProcessPoolOptions options;
  options.num_workers = 1;
  options.executor = &executor();
  const auto pool = ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  {
    const NoMoreThreads none;
    const std::vector<int64_t> items = {1, 2, 3};
    const absl::Status status = (*pool)->MapAsync(Double, items).Get().status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    (*pool)->Close();
    EXPECT_TRUE((*pool)->Join().ok());
  }
}
#endif  // __GLIBC__

MULTIPROC_FOR_EVERY_BACKEND(PoolOnPosixTest);

// ---- Fork in a program with threads ----

class ForkTest : public testing::Test {
 protected:
  static absl::Status CreateWhileAThreadRuns(Executor& executor) {
    absl::Notification stop;
    std::thread thread([&stop] { stop.WaitForNotification(); });
    ProcessPoolOptions options;
    options.num_workers = 1;
    options.executor = &executor;
    absl::Status status;
    {
      absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
          ProcessPool::Create(options);
      status = pool.status();
      if (pool.ok()) status = (*pool)->Submit(Double, 3).Get().status();
    }
    stop.Notify();
    thread.join();
    return status;
  }
};

#ifdef __linux__
TEST_F(ForkTest, RefusesInAProgramWithThreads) {
#ifdef MULTIPROC_PORTABLE_POSIX
  GTEST_SKIP() << "portable POSIX has no way to count threads";
#endif
  ForkExecutor executor;
  const absl::Status status = CreateWhileAThreadRuns(executor);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("1 thread"), HasSubstr("allow_threads")));
}
#endif

TEST_F(ForkTest, ForksWithThreadsIfToldSo) {
  ForkExecutorOptions options;
  options.allow_threads = true;
  ForkExecutor executor(options);
  EXPECT_EQ(CreateWhileAThreadRuns(executor), absl::OkStatus());
}

}  // namespace
}  // namespace multiproc
