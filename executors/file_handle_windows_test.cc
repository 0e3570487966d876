// What Windows does otherwise than file_handle_posix_test.cc, or not at all.

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {
namespace {

TEST(FileHandleTest, WriteAllLeavesSigpipeAlone) {
  GTEST_SKIP() << "Windows has no SIGPIPE";
}

TEST(FileHandleTest, WriteAllLeavesNoSigpipePending) {
  GTEST_SKIP() << "Windows has no SIGPIPE";
}

TEST(FileHandleTest, WriteAllKeepsASigpipeOfSomebodyElse) {
  GTEST_SKIP() << "Windows has no SIGPIPE";
}

TEST(FileHandleTest, WriteSomeToAClosedPipeIsAborted) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  ASSERT_TRUE(pipe.ok()) << pipe.status();
  pipe->read_end.reset();
  const absl::Status status = WriteSome(pipe->write_end.get(), "x").status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
}

}  // namespace
}  // namespace multiproc
