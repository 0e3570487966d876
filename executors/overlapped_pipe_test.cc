#include "multiproc/executors/overlapped_pipe.h"

#include <memory>
#include <string>
#include <thread>  // NOLINT(build/c++11)
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_pipe.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

Pipe NewPipe(const WindowsPipeOptions& options) {
  absl::StatusOr<Pipe> pipe = MakeWindowsPipe(options);
  EXPECT_TRUE(pipe.ok()) << pipe.status();
  return *std::move(pipe);
}

WindowsPipeOptions NonBlockingReadEnd() {
  WindowsPipeOptions options;
  options.non_blocking_read_end = true;
  return options;
}

WindowsPipeOptions NonBlockingWriteEnd() {
  WindowsPipeOptions options;
  options.non_blocking_write_end = true;
  return options;
}

TEST(OverlappedPipeTest, OnlyNonBlockingEndsAreKnown) {
  Pipe pipe = NewPipe(NonBlockingReadEnd());
  const FileHandle handle = pipe.read_end.get();
  EXPECT_NE(OverlappedPipe::Find(handle), nullptr);
  EXPECT_EQ(OverlappedPipe::Find(pipe.write_end.get()), nullptr);
  pipe.read_end.reset();
  EXPECT_EQ(OverlappedPipe::Find(handle), nullptr);
}

// On Windows a write of no bytes ends a read.
TEST(OverlappedPipeTest, AWriteOfNothingIsNoEnd) {
  const Pipe pipe = NewPipe(NonBlockingReadEnd());
  char byte = 0;
  EXPECT_TRUE(
      absl::IsUnavailable(ReadSome(pipe.read_end.get(), &byte, 1).status()));
  for (int i = 0; i < 3; ++i) {
    DWORD written = 0;
    ASSERT_NE(WriteFile(pipe.write_end.get(), "", 0, &written, nullptr), 0);
    EXPECT_TRUE(
        absl::IsUnavailable(ReadSome(pipe.read_end.get(), &byte, 1).status()));
  }
  ASSERT_TRUE(WriteAll(pipe.write_end.get(), "x").ok());
  EXPECT_TRUE(WaitReadable(pipe.read_end.get(), absl::InfiniteDuration()));
  EXPECT_EQ(*ReadSome(pipe.read_end.get(), &byte, 1), 1u);
  EXPECT_EQ(byte, 'x');
}

TEST(OverlappedPipeTest, AReadThatIsUnderWayIsCancelledByClosing) {
  Pipe pipe = NewPipe(NonBlockingReadEnd());
  char byte = 0;
  EXPECT_TRUE(
      absl::IsUnavailable(ReadSome(pipe.read_end.get(), &byte, 1).status()));
  const std::shared_ptr<OverlappedPipe> end =
      OverlappedPipe::Find(pipe.read_end.get());
  pipe.read_end.reset();
  EXPECT_FALSE(end->Read(&byte, 1).ok()) << "it must not read another's handle";
  const absl::Status status = WriteAll(pipe.write_end.get(), "x");
  EXPECT_TRUE(absl::IsAborted(status)) << status;
}

TEST(OverlappedPipeTest, AWriteThatIsUnderWayIsTakenInWhole) {
  Pipe pipe = NewPipe(NonBlockingWriteEnd());
  const std::string text(200000, 'x');  // More than the pipe holds.
  const absl::StatusOr<size_t> size = WriteSome(pipe.write_end.get(), text);
  ASSERT_TRUE(size.ok()) << size.status();
  EXPECT_EQ(*size, text.size());
  EXPECT_TRUE(
      absl::IsUnavailable(WriteSome(pipe.write_end.get(), "y").status()));
  std::string read(text.size(), ' ');
  for (size_t begin = 0; begin < read.size();) {
    const absl::StatusOr<size_t> part =
        ReadSome(pipe.read_end.get(), &read[begin], read.size() - begin);
    ASSERT_TRUE(part.ok() && *part > 0) << part.status();
    begin += *part;
  }
  EXPECT_TRUE(read == text);
  // The write has ended; the next is taken.
  absl::StatusOr<size_t> next = absl::UnavailableError("");
  while (absl::IsUnavailable(next.status())) {
    next = WriteSome(pipe.write_end.get(), "y");
  }
  EXPECT_EQ(*next, 1u);
}

TEST(OverlappedPipeTest, AnErrorOfAnEarlierWriteIsTold) {
  Pipe pipe = NewPipe(NonBlockingWriteEnd());
  ASSERT_TRUE(WriteSome(pipe.write_end.get(), std::string(200000, 'x')).ok());
  pipe.read_end.reset();
  absl::StatusOr<size_t> next = absl::UnavailableError("");
  while (absl::IsUnavailable(next.status())) {
    next = WriteSome(pipe.write_end.get(), "y");
  }
  EXPECT_TRUE(absl::IsAborted(next.status())) << next.status();
  EXPECT_THAT(std::string(next.status().message()), HasSubstr("closed"));
}

// What a thread has started, Windows cancels when the thread ends.
TEST(OverlappedPipeTest, AReadSurvivesTheThreadThatBeganIt) {
  const Pipe pipe = NewPipe(NonBlockingReadEnd());
  std::thread([&pipe] {
    char byte = 0;
    EXPECT_TRUE(
        absl::IsUnavailable(ReadSome(pipe.read_end.get(), &byte, 1).status()));
  }).join();
  ASSERT_TRUE(WriteAll(pipe.write_end.get(), "x").ok());
  char byte = 0;
  absl::StatusOr<size_t> size = absl::UnavailableError("");
  while (absl::IsUnavailable(size.status())) {
    EXPECT_TRUE(WaitReadable(pipe.read_end.get(), absl::InfiniteDuration()));
    size = ReadSome(pipe.read_end.get(), &byte, 1);
  }
  ASSERT_TRUE(size.ok()) << size.status();
  EXPECT_EQ(*size, 1u);
  EXPECT_EQ(byte, 'x');
}

TEST(OverlappedPipeTest, ManyThreadsMayWait) {
  Pipe pipe = NewPipe(NonBlockingReadEnd());
  const FileHandle handle = pipe.read_end.get();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([handle] {
      EXPECT_TRUE(WaitReadable(handle, absl::InfiniteDuration()));
    });
  }
  pipe.write_end.reset();
  for (std::thread& thread : threads) thread.join();
}

TEST(OverlappedPipeTest, AReleasedHandleIsNoLongerKnown) {
  Pipe pipe = NewPipe(NonBlockingReadEnd());
  const FileHandle handle = pipe.read_end.release();
  EXPECT_EQ(OverlappedPipe::Find(handle), nullptr);
  CloseHandle(handle);
}

// As a worker's: one thread waits for the reader to go, while another writes.
TEST(OverlappedPipeTest, AWatchableWriteEndIsWrittenToAndWatched) {
  WindowsPipeOptions options;
  options.watchable_write_end = true;
  Pipe pipe = NewPipe(options);
  const HANDLE write_end = pipe.write_end.get();
  DWORD error = 0;
  std::thread watching([write_end, &error] {
    const ScopedFileHandle event(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    OVERLAPPED overlapped = {};
    overlapped.hEvent = event.get();
    char byte = 0;
    DWORD size = 0;
    if (ReadFile(write_end, &byte, 1, nullptr, &overlapped) != 0 ||
        (GetLastError() == ERROR_IO_PENDING &&
         GetOverlappedResult(write_end, &overlapped, &size, TRUE) != 0)) {
      return;
    }
    error = GetLastError();
  });
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(WriteAll(write_end, "x").ok());
    char byte = 0;
    EXPECT_EQ(*ReadSome(pipe.read_end.get(), &byte, 1), 1u);
  }
  pipe.read_end.reset();
  watching.join();
  EXPECT_EQ(error, DWORD{ERROR_BROKEN_PIPE});
}

}  // namespace
}  // namespace multiproc
