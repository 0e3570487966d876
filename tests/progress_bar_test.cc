// The progress bar where there is no terminal, on every system; and with pools.

#include "multiproc/watch/progress_bar.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

int Same(int number) { return number; }
MULTIPROC_FUNCTION(Same);

void Die() { DieBySignal(kSigKill); }
MULTIPROC_FUNCTION(Die);

// A bar that writes to a pipe, by hand and by a clock that stands still.
class PipedBar {
 public:
  explicit PipedBar(ProgressBarOptions options = {}) {
    absl::StatusOr<Pipe> pipe = Pipe::Create();
    EXPECT_TRUE(pipe.ok());
    pipe_ = *std::move(pipe);
    options.output = pipe_.write_end.get();
    options.refresh = absl::InfiniteDuration();
    options.clock = [this] { return now_; };
    bar_ = std::make_unique<ProgressBar>(options);
  }

  ProgressBar& bar() { return *bar_; }
  void Pass(absl::Duration time) { now_ += time; }

  // Once, at the end.
  std::string Text() {
    bar_ = nullptr;
    pipe_.write_end.reset();
    return *ReadToEnd(pipe_.read_end.get());
  }

 private:
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
  Pipe pipe_;
  std::unique_ptr<ProgressBar> bar_;
};

void End(ProgressBar& bar, int count) {
  ObservedTask task;
  for (int i = 0; i < count; ++i) {
    bar.OnEnded(absl::InfinitePast(), task, &TaskCounts::succeeded,
                absl::OkStatus());
  }
}

TEST(PlainProgressBarTest, ALineComesWhenTheIntervalHasPassed) {
  ProgressBarOptions options;
  options.total = 100;
  options.title = "tiles";
  PipedBar piped(options);
  for (int second = 1; second <= 25; ++second) {
    piped.Pass(absl::Seconds(1));
    End(piped.bar(), 2);
    piped.bar().Update();
  }
  EXPECT_EQ(piped.Text(),
            "[0:10] tiles 20/100 (20%), 2.0/s, 0:40 left\n"
            "[0:20] tiles 40/100 (40%), 2.0/s, 0:30 left\n"
            "[0:25] tiles 50/100 (50%), 2.0/s, in 0:25\n");
}

TEST(PlainProgressBarTest, TheIntervalIsAnOption) {
  ProgressBarOptions options;
  options.plain_interval = absl::Seconds(3);
  PipedBar piped(options);
  for (int second = 1; second <= 7; ++second) {
    piped.Pass(absl::Seconds(1));
    piped.bar().Update();
  }
  EXPECT_EQ(piped.Text(),
            "[0:03] 0/0, 0.00/s\n[0:06] 0/0, 0.00/s\n"
            "[0:07] 0/0, 0.00/s, in 0:07\n");
}

TEST(PlainProgressBarTest, PrintIsALineAmongThem) {
  PipedBar piped;
  piped.bar().set_total(3);
  piped.bar().Print("hello");
  EXPECT_EQ(piped.Text(), "hello\n[0:00] 0/3 (0%), in 0:00\n");
}

TEST(PlainProgressBarTest, QuietWritesNothing) {
  ProgressBarOptions options;
  options.style = ProgressBarOptions::Style::kQuiet;
  options.total = 3;
  PipedBar piped(options);
  piped.Pass(absl::Hours(1));
  piped.bar().Update();
  piped.bar().Finish();
  EXPECT_EQ(piped.Text(), "");
}

TEST(PlainProgressBarTest, NobodyNeedRead) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  ASSERT_TRUE(pipe.ok());
  pipe->read_end.reset();
  ProgressBarOptions options;
  options.output = pipe->write_end.get();
  ProgressBar bar(options);
  bar.Print("hello");
  bar.Finish();
}

class PoolProgressTest : public BackendTest {
 protected:
  std::unique_ptr<ProcessPool> MakePool(ProgressBar& bar) {
    ProcessPoolOptions options;
    options.num_workers = 2;
    options.executor = &executor();
    options.observers = {&bar};
    absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
        ProcessPool::Create(options);
    EXPECT_TRUE(pool.ok()) << pool.status();
    return *std::move(pool);
  }
};

TEST_P(PoolProgressTest, TheItemsOfAMapAreCounted) {
  PipedBar piped;
  piped.bar().set_total(100);
  auto pool = MakePool(piped.bar());
  EXPECT_TRUE(pool->Map(Same, std::vector<int>(100)).ok());
  pool = nullptr;
  EXPECT_EQ(piped.Text(), "[0:00] 100/100 (100%), in 0:00\n");
}

TEST_P(PoolProgressTest, WhatIsLostHasFailed) {
  PipedBar piped;
  auto pool = MakePool(piped.bar());
  EXPECT_FALSE(pool->Submit(Die).Get().ok());
  EXPECT_TRUE(pool->Submit(Same, 1).Get().ok());
  pool = nullptr;
  EXPECT_EQ(piped.Text(), "[0:00] 2/2 (100%), 1 failed, in 0:00\n");
}

MULTIPROC_FOR_EVERY_BACKEND(PoolProgressTest);

}  // namespace
}  // namespace multiproc
