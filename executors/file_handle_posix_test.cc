// What only POSIX does: SIGPIPE; the counterpart of
// file_handle_windows_test.cc.

#include <signal.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {
namespace {

// The end of a pipe that nobody reads.
ScopedFileHandle NewClosedPipe() {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  EXPECT_TRUE(pipe.ok()) << pipe.status();
  return std::move(pipe->write_end);
}

sigset_t SigpipeSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

bool SigpipeIsPending() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

bool SigpipeIsBlocked() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, SIGPIPE) == 1;
}

// Keeps SIGPIPE from this thread, and takes one back that has come.
class SigpipeBlocked {
 public:
  SigpipeBlocked() { pthread_sigmask(SIG_BLOCK, &sigpipe_, &old_mask_); }
  ~SigpipeBlocked() {
    int signal = 0;
    if (SigpipeIsPending()) sigwait(&sigpipe_, &signal);
    pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }

 private:
  const sigset_t sigpipe_ = SigpipeSet();
  sigset_t old_mask_;
};

// SIGPIPE has its default disposition here, and would end the test.
TEST(FileHandleTest, WriteAllLeavesSigpipeAlone) {
  ASSERT_FALSE(SigpipeIsBlocked());
  struct sigaction action;
  ASSERT_EQ(sigaction(SIGPIPE, nullptr, &action), 0);
  ASSERT_EQ(action.sa_handler, SIG_DFL);
  const ScopedFileHandle handle = NewClosedPipe();
  EXPECT_TRUE(absl::IsAborted(WriteAll(handle.get(), "hello")));
  EXPECT_FALSE(SigpipeIsBlocked()) << "the mask was not put back";
  EXPECT_FALSE(SigpipeIsPending());
  ASSERT_EQ(sigaction(SIGPIPE, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
}

TEST(FileHandleTest, WriteAllLeavesNoSigpipePending) {
  const SigpipeBlocked no_sigpipe;
  const ScopedFileHandle handle = NewClosedPipe();
  EXPECT_TRUE(absl::IsAborted(WriteAll(handle.get(), "hello")));
  EXPECT_FALSE(SigpipeIsPending());
  EXPECT_TRUE(SigpipeIsBlocked()) << "the mask was not put back";
}

TEST(FileHandleTest, WriteAllKeepsASigpipeOfSomebodyElse) {
  const SigpipeBlocked no_sigpipe;
  ASSERT_EQ(pthread_kill(pthread_self(), SIGPIPE), 0);
  ASSERT_TRUE(SigpipeIsPending());
  const ScopedFileHandle handle = NewClosedPipe();
  EXPECT_TRUE(absl::IsAborted(WriteAll(handle.get(), "hello")));
  EXPECT_TRUE(SigpipeIsPending());
}

TEST(FileHandleTest, WriteSomeToAClosedPipeIsAborted) {
  const SigpipeBlocked no_sigpipe;
  const ScopedFileHandle handle = NewClosedPipe();
  const absl::Status status = WriteSome(handle.get(), "x").status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_TRUE(SigpipeIsPending()) << "it is the caller's to block";
}

}  // namespace
}  // namespace multiproc
