#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/pool/standard_stream.h"
#include "multiproc/pool/worker_output.h"

namespace multiproc {
namespace {

TEST(StandardStreamTest, WritesWholeToANonBlockingPipeThatIsFull) {
  absl::StatusOr<Pipe> pipe = Pipe::Create(Pipe::NonBlocking::kWriteEnd);
  ASSERT_TRUE(pipe.ok());
  std::string expected;
  while (WriteSome(pipe->write_end.get(), "x").ok()) expected += "x";
  const std::string text(300000, 'y');
  std::thread writer([&] {
    WriteWhole(pipe->write_end.get(), text);
    pipe->write_end.reset();
  });
  // Nothing is taken by this, and the writer may be waiting by now or not.
  EXPECT_TRUE(WaitReadable(pipe->read_end.get(), absl::InfiniteDuration()));
  const absl::StatusOr<std::string> read = ReadToEnd(pipe->read_end.get());
  writer.join();
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(*read == expected + text);
}

TEST(StandardStreamTest, NobodyReadsAndNobodyIsKilled) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  ASSERT_TRUE(pipe.ok());
  pipe->read_end.reset();
  WriteWhole(pipe->write_end.get(), "nobody reads this");
  WriteWhole(kInvalidFileHandle, "nor this");
}

TEST(StandardStreamTest, ACopyIsTheSameFileAndNotInherited) {
  for (const WorkerOutput::Stream stream :
       {WorkerOutput::Stream::kStdout, WorkerOutput::Stream::kStderr}) {
    const ScopedFileHandle copy = CopyOfStream(stream);
    ASSERT_TRUE(copy.is_valid());
    EXPECT_GT(copy.get(), 2);
    EXPECT_EQ(fcntl(copy.get(), F_GETFD), FD_CLOEXEC);
    struct stat original_file = {};
    struct stat copied_file = {};
    ASSERT_EQ(fstat(StandardStream(stream), &original_file), 0);
    ASSERT_EQ(fstat(copy.get(), &copied_file), 0);
    EXPECT_EQ(copied_file.st_ino, original_file.st_ino);
    EXPECT_EQ(copied_file.st_dev, original_file.st_dev);
  }
}

}  // namespace
}  // namespace multiproc
