#include "multiproc/executors/poller.h"

#include <chrono>  // NOLINT(build/c++11)
#include <cstdint>
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
#include "multiproc/executors/file_handle.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class PollerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<Poller>> poller = Poller::Create();
    ASSERT_TRUE(poller.ok()) << poller.status();
    poller_ = *std::move(poller);
    pipe_ = NewPipe();
  }

  static Pipe NewPipe(Pipe::NonBlocking ends = Pipe::NonBlocking::kReadEnd) {
    absl::StatusOr<Pipe> pipe = Pipe::Create(ends);
    EXPECT_TRUE(pipe.ok()) << pipe.status();
    return *std::move(pipe);
  }

  static void Write(const Pipe& pipe, const std::string& bytes = "x") {
    ASSERT_TRUE(WriteAll(pipe.write_end.get(), bytes).ok());
  }

  // Fills the pipe, whose write end does not block, until it takes no more;
  // how much that was.
  static size_t Fill(const Pipe& pipe) {
    size_t total = 0;
    while (true) {
      const absl::StatusOr<size_t> size =
          WriteSome(pipe.write_end.get(), std::string(4096, 'x'));
      if (!size.ok()) return total;
      total += *size;
    }
  }

  void Watch(const ScopedFileHandle& handle, uint64_t token,
             Poller::Interest interest = Poller::kReadable) {
    const absl::Status status = poller_->Watch(handle.get(), token, interest);
    ASSERT_TRUE(status.ok()) << status;
  }

  // What is ready now.
  std::vector<uint64_t> Ready() {
    // Wait must clear what was in it.
    std::vector<uint64_t> tokens = {999};
    poller_->Wait(absl::ZeroDuration(), &tokens);
    return tokens;
  }

  // What is ready once something is; the test hangs if nothing ever is.
  std::vector<uint64_t> WaitReady() {
    std::vector<uint64_t> tokens = {999};
    poller_->Wait(absl::InfiniteDuration(), &tokens);
    return tokens;
  }

  std::unique_ptr<Poller> poller_;
  Pipe pipe_;
};

TEST_F(PollerTest, NothingWatchedIsNeverReady) {
  EXPECT_THAT(Ready(), IsEmpty());
  std::vector<uint64_t> tokens = {999};
  poller_->Wait(absl::Milliseconds(1), &tokens);
  EXPECT_THAT(tokens, IsEmpty());
}

TEST_F(PollerTest, ReadableHandleIsReportedAsLongAsItIs) {
  Watch(pipe_.read_end, 7);
  EXPECT_THAT(Ready(), IsEmpty());
  Write(pipe_);
  EXPECT_THAT(WaitReady(), ElementsAre(7));
  EXPECT_THAT(Ready(), ElementsAre(7));
  char byte;
  ASSERT_TRUE(ReadSome(pipe_.read_end.get(), &byte, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
}

TEST_F(PollerTest, ReadyHandlesAreToldFromTheOthers) {
  const Pipe quiet = NewPipe();
  const Pipe second = NewPipe();
  Watch(pipe_.read_end, 0);
  Watch(quiet.read_end, 1);
  // The largest token that is no wake-up.
  Watch(second.read_end, ~uint64_t{0} - 1);
  Write(pipe_);
  Write(second);
  EXPECT_THAT(Ready(), UnorderedElementsAre(0, ~uint64_t{0} - 1));
}

// Somebody has asked before, which on Windows starts a read.
TEST_F(PollerTest, HandleThatWasWaitedForBeforeIsReported) {
  EXPECT_FALSE(WaitReadable(pipe_.read_end.get(), absl::ZeroDuration()));
  Watch(pipe_.read_end, 7);
  EXPECT_THAT(Ready(), IsEmpty());
  Write(pipe_);
  EXPECT_THAT(WaitReady(), ElementsAre(7));
}

TEST_F(PollerTest, ForgottenHandleIsNotReported) {
  const Pipe other = NewPipe();
  Watch(pipe_.read_end, 1);
  Watch(other.read_end, 2);
  Write(pipe_);
  Write(other);
  poller_->Forget(pipe_.read_end.get());
  EXPECT_THAT(Ready(), ElementsAre(2));
}

TEST_F(PollerTest, ForgottenHandleCanBeWatchedAgain) {
  Watch(pipe_.read_end, 1);
  poller_->Forget(pipe_.read_end.get());
  Watch(pipe_.read_end, 2);
  Write(pipe_);
  EXPECT_THAT(Ready(), ElementsAre(2));
}

TEST_F(PollerTest, ForgettingTheUnknownIsHarmless) {
  poller_->Forget(pipe_.read_end.get());
  poller_->Forget(kInvalidFileHandle);
  Watch(pipe_.read_end, 1);
  Write(pipe_);
  EXPECT_THAT(Ready(), ElementsAre(1));
}

TEST_F(PollerTest, HandleIsWritableUntilItsPipeIsFull) {
  pipe_ = NewPipe(Pipe::NonBlocking::kWriteEnd);
  Watch(pipe_.write_end, 3, Poller::kWritable);
  EXPECT_THAT(WaitReady(), ElementsAre(3));
  const size_t size = Fill(pipe_);
  EXPECT_THAT(Ready(), IsEmpty());
  std::vector<char> buffer(size);
  for (size_t left = size; left > 0;) {
    const absl::StatusOr<size_t> read =
        ReadSome(pipe_.read_end.get(), buffer.data(), left);
    ASSERT_TRUE(read.ok()) << read.status();
    left -= *read;
  }
  EXPECT_THAT(WaitReady(), ElementsAre(3));
}

TEST_F(PollerTest, EndOfTheStreamIsReadable) {
  Watch(pipe_.read_end, 4);
  EXPECT_THAT(Ready(), IsEmpty());
  pipe_.write_end.reset();
  EXPECT_THAT(WaitReady(), ElementsAre(4));
  char byte;
  const absl::StatusOr<size_t> size = ReadSome(pipe_.read_end.get(), &byte, 1);
  ASSERT_TRUE(size.ok()) << size.status();
  EXPECT_EQ(*size, 0u);
}

TEST_F(PollerTest, BrokenPipeIsWritable) {
  pipe_ = NewPipe(Pipe::NonBlocking::kWriteEnd);
  ASSERT_TRUE(poller_->Prepare(pipe_.write_end.get()).ok());
  Fill(pipe_);
  Watch(pipe_.write_end, 5, Poller::kWritable);
  EXPECT_THAT(Ready(), IsEmpty());
  pipe_.read_end.reset();
  EXPECT_THAT(WaitReady(), ElementsAre(5));
}

TEST_F(PollerTest, WakeEndsTheNextWait) {
  poller_->Wake();
  EXPECT_THAT(WaitReady(), IsEmpty());
}

TEST_F(PollerTest, WakeEndsTheWaitOfAnotherThread) {
  std::thread waking([this] { poller_->Wake(); });
  EXPECT_THAT(WaitReady(), IsEmpty());
  waking.join();
}

TEST_F(PollerTest, ManyWakesAreOne) {
  // More than a pipe holds.
  for (int i = 0; i < 100000; ++i) poller_->Wake();
  EXPECT_THAT(WaitReady(), IsEmpty());
  // Were one left, this would return before its time.
  constexpr std::chrono::milliseconds kTimeout(20);
  const auto start = std::chrono::steady_clock::now();
  std::vector<uint64_t> tokens;
  poller_->Wait(absl::FromChrono(kTimeout), &tokens);
  EXPECT_GE(std::chrono::steady_clock::now() - start, kTimeout);
  EXPECT_THAT(tokens, IsEmpty());
}

TEST_F(PollerTest, WakeDoesNotHideReadyHandles) {
  Watch(pipe_.read_end, 8);
  Write(pipe_);
  poller_->Wake();
  EXPECT_THAT(WaitReady(), ElementsAre(8));
}

TEST_F(PollerTest, HundredsOfHandlesAreAllReported) {
  // More than are reported at a time; few enough for a limit of 1024 files.
  constexpr size_t kPipes = 300;
  std::vector<Pipe> pipes;
  for (size_t i = 0; i < kPipes; ++i) {
    pipes.push_back(NewPipe());
    Watch(pipes.back().read_end, i);
    Write(pipes.back());
  }
  std::vector<bool> seen(kPipes);
  size_t count = 0;
  while (count < kPipes) {
    const std::vector<uint64_t> tokens = Ready();
    ASSERT_THAT(tokens, Not(IsEmpty()));
    for (const uint64_t token : tokens) {
      ASSERT_LT(token, kPipes);
      ASSERT_FALSE(seen[token]);
      seen[token] = true;
      ++count;
      poller_->Forget(pipes[token].read_end.get());
    }
  }
  EXPECT_THAT(Ready(), IsEmpty());
}

}  // namespace
}  // namespace multiproc
