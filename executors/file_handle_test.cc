#include "multiproc/executors/file_handle.h"

#include <string>
#include <thread>  // NOLINT(build/c++11)
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

Pipe NewPipe(Pipe::NonBlocking ends = Pipe::NonBlocking::kNeither) {
  absl::StatusOr<Pipe> pipe = Pipe::Create(ends);
  EXPECT_TRUE(pipe.ok()) << pipe.status();
  return *std::move(pipe);
}

TEST(ScopedFileHandleTest, DestructorCloses) {
  Pipe pipe = NewPipe();
  const FileHandle handle = pipe.read_end.get();
  {
    const ScopedFileHandle owner = std::move(pipe.read_end);
    EXPECT_FALSE(pipe.read_end.is_valid());
    EXPECT_EQ(owner.get(), handle);
    EXPECT_TRUE(IsOpen(handle));
  }
  EXPECT_FALSE(IsOpen(handle));
}

TEST(ScopedFileHandleTest, AssignmentClosesWhatWasThere) {
  Pipe pipe = NewPipe();
  const FileHandle old = pipe.read_end.get();
  const FileHandle kept = pipe.write_end.get();
  pipe.read_end = std::move(pipe.write_end);
  EXPECT_FALSE(IsOpen(old));
  EXPECT_TRUE(IsOpen(kept));
  EXPECT_EQ(pipe.read_end.get(), kept);
}

TEST(ScopedFileHandleTest, AssignmentToItselfKeepsTheHandle) {
  Pipe pipe = NewPipe();
  ScopedFileHandle& same = pipe.read_end;
  pipe.read_end = std::move(same);
  EXPECT_TRUE(pipe.read_end.is_valid());
  EXPECT_TRUE(IsOpen(pipe.read_end.get()));
}

TEST(ScopedFileHandleTest, ReleaseGivesUpTheHandleOpen) {
  Pipe pipe = NewPipe();
  const FileHandle handle = pipe.read_end.release();
  EXPECT_FALSE(pipe.read_end.is_valid());
  EXPECT_TRUE(IsOpen(handle));
  { const ScopedFileHandle owner(handle); }
  EXPECT_FALSE(IsOpen(handle));
}

TEST(ScopedFileHandleTest, InvalidHandleIsHarmless) {
  ScopedFileHandle none(kInvalidFileHandle);
  EXPECT_FALSE(none.is_valid());
  none.reset();
  EXPECT_EQ(none.release(), kInvalidFileHandle);
  EXPECT_FALSE(ScopedFileHandle().is_valid());
}

TEST(PipeTest, EndsAreClosedOnExec) {
  const Pipe pipe = NewPipe();
  EXPECT_FALSE(IsInheritable(pipe.read_end.get()));
  EXPECT_FALSE(IsInheritable(pipe.write_end.get()));
}

TEST(FileHandleTest, ReadToEndReadsWhatWasWritten) {
  Pipe pipe = NewPipe();
  const std::string text("hello\0\xff", 7);
  ASSERT_TRUE(WriteAll(pipe.write_end.get(), text).ok());
  ASSERT_TRUE(WriteAll(pipe.write_end.get(), "").ok());
  pipe.write_end.reset();
  const absl::StatusOr<std::string> read = ReadToEnd(pipe.read_end.get());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, text);
}

TEST(FileHandleTest, ReadToEndOfNothingIsEmpty) {
  Pipe pipe = NewPipe();
  pipe.write_end.reset();
  const absl::StatusOr<std::string> read = ReadToEnd(pipe.read_end.get());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, "");
}

TEST(FileHandleTest, MoreThanAPipeHoldsGoesThrough) {
  Pipe pipe = NewPipe();
  const std::string text(size_t{1} << 20, 'x');
  absl::Status written;
  std::thread writing([&] {
    written = WriteAll(pipe.write_end.get(), text);
    pipe.write_end.reset();
  });
  const absl::StatusOr<std::string> read = ReadToEnd(pipe.read_end.get());
  writing.join();
  EXPECT_TRUE(written.ok()) << written;
  ASSERT_TRUE(read.ok()) << read.status();
  // Not EXPECT_EQ: nobody wants to read the difference.
  EXPECT_TRUE(*read == text);
}

TEST(FileHandleTest, ReadOfAnUnopenedHandleNamesTheError) {
  const absl::Status status = ReadToEnd(kInvalidFileHandle).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(),
              HasSubstr(absl::StrCat("read ", kBadHandleError)));
}

TEST(FileHandleTest, WriteAllToAClosedPipeIsAborted) {
  Pipe pipe = NewPipe();
  pipe.read_end.reset();
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = WriteAll(pipe.write_end.get(), "hello");
    EXPECT_TRUE(absl::IsAborted(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr("closed"));
  }
}

TEST(FileHandleTest, NonBlockingReadOfNothingIsUnavailable) {
  Pipe pipe = NewPipe(Pipe::NonBlocking::kReadEnd);
  char buffer[8];
  EXPECT_EQ(ReadSome(pipe.read_end.get(), buffer, sizeof(buffer)).status(),
            absl::UnavailableError(""));
  ASSERT_TRUE(WriteAll(pipe.write_end.get(), "ab").ok());
  const absl::StatusOr<size_t> size =
      ReadSome(pipe.read_end.get(), buffer, sizeof(buffer));
  ASSERT_TRUE(size.ok()) << size.status();
  EXPECT_EQ(absl::string_view(buffer, *size), "ab");
  pipe.write_end.reset();
  const absl::StatusOr<size_t> end =
      ReadSome(pipe.read_end.get(), buffer, sizeof(buffer));
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(*end, 0u);
}

TEST(FileHandleTest, NonBlockingWriteTakesAPartAndThenNothing) {
  Pipe pipe = NewPipe(Pipe::NonBlocking::kWriteEnd);
  const std::string text(size_t{4} << 20, 'x');
  const absl::StatusOr<size_t> part = WriteSome(pipe.write_end.get(), text);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_GT(*part, 0u);
  EXPECT_LT(*part, text.size());
  EXPECT_EQ(WriteSome(pipe.write_end.get(), text).status(),
            absl::UnavailableError(""));
}

TEST(FileHandleTest, PiecesAreWrittenInARow) {
  const std::vector<absl::string_view> all = {"ab", "", "cde", "f"};
  for (const bool quietly : {false, true}) {
    Pipe pipe = NewPipe(Pipe::NonBlocking::kNeither);
    std::vector<absl::string_view> rest = all;
    while (!rest.empty()) {
      const absl::StatusOr<size_t> size =
          quietly ? WriteSomeQuietly(pipe.write_end.get(), rest)
                  : WriteSome(pipe.write_end.get(), rest);
      ASSERT_TRUE(size.ok()) << size.status();
      size_t written = *size;
      ASSERT_GT(written, 0);
      while (!rest.empty() && written >= rest.front().size()) {
        written -= rest.front().size();
        rest.erase(rest.begin());
      }
      if (!rest.empty()) rest.front().remove_prefix(written);
    }
    pipe.write_end.reset();
    EXPECT_EQ(*ReadToEnd(pipe.read_end.get()), "abcdef");
  }
}

TEST(FileHandleTest, WaitReadableTimesOut) {
  const Pipe pipe = NewPipe();
  const FileHandle handle = pipe.read_end.get();
  EXPECT_FALSE(WaitReadable(handle, absl::Milliseconds(1)));
  EXPECT_FALSE(WaitReadable(handle, absl::ZeroDuration()));
  EXPECT_FALSE(WaitReadable(handle, absl::Seconds(-1)));
  EXPECT_FALSE(WaitReadable(handle, -absl::InfiniteDuration()));
}

TEST(FileHandleTest, WaitReadableFindsBytesAndTheEnd) {
  Pipe pipe = NewPipe();
  const FileHandle handle = pipe.read_end.get();
  ASSERT_TRUE(WriteAll(pipe.write_end.get(), "x").ok());
  EXPECT_TRUE(WaitReadable(handle, absl::ZeroDuration()));
  EXPECT_TRUE(WaitReadable(handle, absl::InfiniteDuration()));
  char byte;
  ASSERT_TRUE(ReadSome(handle, &byte, 1).ok());
  EXPECT_FALSE(WaitReadable(handle, absl::ZeroDuration()));
  pipe.write_end.reset();
  EXPECT_TRUE(WaitReadable(handle, absl::ZeroDuration()));
}

TEST(FileHandleTest, WaitReadableWaitsForAnotherThread) {
  Pipe pipe = NewPipe();
  std::thread closing([&pipe] { pipe.write_end.reset(); });
  EXPECT_TRUE(WaitReadable(pipe.read_end.get(), absl::InfiniteDuration()));
  closing.join();
}

}  // namespace
}  // namespace multiproc
