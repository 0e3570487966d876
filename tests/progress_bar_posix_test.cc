// The progress bar on a pseudo-terminal: what stands on its screen.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/pool/pool_observer.h"
#include "multiproc/pool/pool_stats.h"
#include "multiproc/watch/progress_bar.h"
#include "tests/terminal_screen.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ObservedTask TaskOf(uint64_t id, uint32_t items, uint64_t worker_id = 0) {
  ObservedTask task;
  task.id = id;
  task.function = "Square";
  task.items = items;
  task.worker_id = worker_id;
  return task;
}

class ProgressBarTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    terminal_ = ScopedFileHandle(posix_openpt(O_RDWR | O_NOCTTY));
    ASSERT_TRUE(terminal_.is_valid());
    ASSERT_EQ(grantpt(terminal_.get()), 0);
    ASSERT_EQ(unlockpt(terminal_.get()), 0);
    program_ =
        ScopedFileHandle(open(ptsname(terminal_.get()), O_RDWR | O_NOCTTY));
    ASSERT_TRUE(program_.is_valid());
    Resize(60, 24);
  }

  void Resize(int columns, int rows) {
    winsize size = {};
    size.ws_col = static_cast<unsigned short>(columns);
    size.ws_row = static_cast<unsigned short>(rows);
    ASSERT_EQ(ioctl(terminal_.get(), TIOCSWINSZ, &size), 0);
    screen_.Resize(static_cast<size_t>(columns));
  }

  ProgressBar& MakeBar(ProgressBarOptions options = {}) {
    options.output = program_.get();
    options.refresh = absl::InfiniteDuration();
    options.clock = [this] { return now_; };
    bar_ = std::make_unique<ProgressBar>(options);
    return *bar_;
  }

  // All that was written so far, to the mark behind it.
  std::vector<std::string> Screen() {
    EXPECT_TRUE(WriteAll(program_.get(), "\a").ok());
    std::string text;
    while (text.empty() || text.back() != '\a') {
      char buffer[4096];
      const ssize_t size = read(terminal_.get(), buffer, sizeof buffer);
      if (size <= 0) {
        ADD_FAILURE() << "the terminal is gone";
        break;
      }
      text.append(buffer, static_cast<size_t>(size));
    }
    text.pop_back();
    written_ = text;
    screen_.Write(text);
    return screen_.Lines();
  }

  // So many items, one a task, with an outcome.
  void End(int count, TaskOutcome outcome = &TaskCounts::succeeded) {
    for (int i = 0; i < count; ++i) {
      bar_->OnEnded(now_, TaskOf(++ended_, 1), outcome, absl::OkStatus());
    }
  }

  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
  TerminalScreen screen_{60};
  ScopedFileHandle terminal_;
  ScopedFileHandle program_;
  std::string written_;
  std::unique_ptr<ProgressBar> bar_;
  uint64_t ended_ = 0;
};

TEST_F(ProgressBarTest, GoesFromEmptyToFullInPlace) {
  ProgressBar& bar = MakeBar();
  bar.set_total(4);
  bar.Update();
  EXPECT_THAT(Screen(),
              ElementsAre("  0%  |" + std::string(38, ' ') + "|  0/4"));
  now_ += absl::Seconds(1);
  End(2);
  bar.Update();
  EXPECT_THAT(Screen(),
              ElementsAre(" 50%  |██████████████              |  2/4  "
                          "2.0/s  0:01 left"));
  EXPECT_EQ(screen_.row(), 0u);
  EXPECT_EQ(screen_.column(), 0u);
  now_ += absl::Seconds(1);
  End(2);
  bar.Finish();
  EXPECT_THAT(Screen(),
              ElementsAre("100%  |██████████████████████████████|  4/4  "
                          "2.0/s  in 0:02"));
  EXPECT_EQ(screen_.row(), 1u);
  EXPECT_EQ(screen_.column(), 0u);
  bar.Update();
  bar.Finish();
  Screen();
  EXPECT_EQ(written_, "") << "nothing comes after the end";
}

TEST_F(ProgressBarTest, NothingIsWrittenThatStandsThere) {
  ProgressBar& bar = MakeBar();
  bar.set_total(4);
  bar.Update();
  EXPECT_NE(Screen(), std::vector<std::string>());
  bar.Update();
  Screen();
  EXPECT_EQ(written_, "");
}

// tmux would keep each drawing at the top of the screen in its history.
TEST_F(ProgressBarTest, NothingIsErasedFromTheTopOn) {
  ProgressBarOptions options;
  options.show_workers = true;
  ProgressBar& bar = MakeBar(options);
  bar.OnWorkerStarted(now_, {1, 4711});
  bar.Update();
  Screen();
  // The terminal may make CR LF of each LF, too.
  EXPECT_EQ(absl::StrReplaceAll(written_, {{"\r\r\n", "\r\n"}}),
            "\r0/0\x1b[K\r\n  worker 1 (pid 4711)  0 done  starting\x1b[J"
            "\x1b[1A\r");
}

TEST_F(ProgressBarTest, FailuresAndWorkersAreCounted) {
  ProgressBar& bar = MakeBar();
  for (uint64_t id = 1; id <= 6; ++id) bar.OnSubmitted(now_, TaskOf(id, 10));
  bar.OnWorkerStarted(now_, {1, 4711});
  bar.OnWorkerReady(now_, {1, 4711});
  bar.OnLeased(now_, TaskOf(1, 10, 1));
  bar.OnLeased(now_, TaskOf(2, 10, 1));
  bar.OnAnswered(now_, TaskOf(1, 10, 1), TaskRun());
  bar.OnEnded(now_, TaskOf(1, 10, 1), &TaskCounts::lost, absl::OkStatus());
  bar.OnEnded(now_, TaskOf(6, 10), &TaskCounts::cancelled, absl::OkStatus());
  bar.Update();
  EXPECT_THAT(Screen(), ElementsAre(" 33%  |██▋     |  20/60  10 failed  "
                                    "10 cancelled  1 running"));
  bar.OnTakenBack(now_, TaskOf(2, 10, 1));
  bar.Update();
  EXPECT_THAT(Screen(), ElementsAre(" 33%  |██████▎            |  20/60  "
                                    "10 failed  10 cancelled"));
}

TEST_F(ProgressBarTest, TheRateIsThatOfTheLastTenSeconds) {
  ProgressBar& bar = MakeBar();
  bar.set_total(1000);
  // Ten a second, and then one.
  for (int second = 0; second < 20; ++second) {
    now_ += absl::Seconds(1);
    End(second < 10 ? 10 : 1);
    bar.Update();
  }
  EXPECT_THAT(Screen(), ElementsAre(" 11%  |██▍                   |  "
                                    "110/1000  1.0/s  14:50 left"));
}

TEST_F(ProgressBarTest, AtFirstThereIsNoRate) {
  ProgressBar& bar = MakeBar();
  bar.set_total(10);
  now_ += absl::Milliseconds(499);
  End(5);
  bar.Update();
  EXPECT_THAT(
      Screen(),
      ElementsAre(" 50%  |███████████████████                   |  5/10"));
}

TEST_F(ProgressBarTest, ANarrowerTerminalGetsAShorterLine) {
  ProgressBar& bar = MakeBar();
  bar.set_total(4);
  bar.Update();
  Screen();
  Resize(30, 24);
  bar.Update();
  EXPECT_THAT(Screen(), ElementsAre("  0%  |                |  0/4"));
  EXPECT_EQ(screen_.row(), 0u);
  Resize(9, 24);
  bar.Update();
  EXPECT_THAT(Screen(), ElementsAre("0/4"));
  Resize(3, 1);
  bar.Update();
  EXPECT_THAT(Screen(), ElementsAre("0/"));
  Resize(200, 50);
  bar.Update();
  EXPECT_THAT(Screen(),
              ElementsAre("  0%  |" + std::string(38, ' ') + "|  0/4"));
  EXPECT_EQ(screen_.row(), 0u);
}

TEST_F(ProgressBarTest, WithoutUtf8ThereIsAsciiOnly) {
  for (const char* locale : {"C", "POSIX", "de_DE.ISO-8859-1", "zh_CN.GBK"}) {
    setenv("LC_ALL", locale, 1);
    ProgressBarOptions options;
    options.title = "图x";
    MakeBar(options).set_total(4);
    End(2);
    bar_->Update();
    EXPECT_EQ(Screen().back(),
              "?x   50%  |###################                   |  2/4")
        << locale;
    bar_ = nullptr;
    Screen();
  }
}

TEST_F(ProgressBarTest, TheFirstVariableThatIsSetCounts) {
  setenv("LC_ALL", "", 1);
  setenv("LC_CTYPE", "en_US.utf8", 1);
  setenv("LANG", "C", 1);
  MakeBar().set_total(1);
  End(1);
  bar_->Update();
  EXPECT_EQ(Screen().back(),
            "100%  |██████████████████████████████████████|  1/1");
  unsetenv("LC_CTYPE");
  bar_ = nullptr;
  MakeBar().set_total(1);
  End(1);
  bar_->Update();
  EXPECT_EQ(Screen().back(),
            "100%  |######################################|  1/1");
}

TEST_F(ProgressBarTest, EachWorkerHasALine) {
  ProgressBarOptions options;
  options.show_workers = true;
  options.total = 9;
  ProgressBar& bar = MakeBar(options);
  bar.OnWorkerStarted(now_, {1, 4711});
  bar.OnWorkerStarted(now_, {2, 4712});
  bar.OnWorkerReady(now_, {1, 4711});
  ObservedTask task = TaskOf(1, 1, 1);
  task.label = "of 3\x1b[2J";
  bar.OnLeased(now_, task);
  now_ += absl::Milliseconds(300);
  bar.Update();
  EXPECT_THAT(
      Screen(),
      ElementsAre(testing::_,
                  "  worker 1 (pid 4711)  0 done  300ms  Square of 3?[2J",
                  "  worker 2 (pid 4712)  0 done  starting"));
  EXPECT_EQ(screen_.row(), 0u) << "the cursor rests at the first line";
  bar.OnAnswered(now_, task, TaskRun());
  bar.OnEnded(now_, task, &TaskCounts::succeeded, absl::OkStatus());
  bar.OnWorkerEnded(now_, {2, 4712}, &WorkerEnds::crashed,
                    ExitStatus::Exited(3));
  bar.Update();
  EXPECT_THAT(Screen(),
              ElementsAre(testing::_, "  worker 1 (pid 4711)  1 done  idle"));
  bar.Finish();
  EXPECT_THAT(Screen(), testing::SizeIs(1)) << "the workers' lines are gone";
}

TEST_F(ProgressBarTest, OnALowTerminalThereAreFewerLines) {
  ProgressBarOptions options;
  options.show_workers = true;
  ProgressBar& bar = MakeBar(options);
  for (uint64_t id = 1; id <= 9; ++id) bar.OnWorkerStarted(now_, {id, 1});
  Resize(60, 4);
  bar.Update();
  EXPECT_THAT(Screen(),
              ElementsAre("0/0", "  worker 1 (pid 1)  0 done  starting",
                          "  and 8 more workers"));
}

TEST_F(ProgressBarTest, WhatIsPrintedStandsAboveTheBar) {
  ProgressBar& bar = MakeBar();
  bar.set_total(4);
  bar.Update();
  bar.Print("found one");
  const std::string line = "  0%  |" + std::string(38, ' ') + "|  0/4";
  EXPECT_THAT(Screen(), ElementsAre("found one", line));
  bar.Print("found another");
  EXPECT_THAT(Screen(), ElementsAre("found one", "found another", line));
  bar.Finish();
  bar.Print("after it");
  EXPECT_THAT(Screen(), ElementsAre("found one", "found another", testing::_,
                                    "after it"));
}

TEST_F(ProgressBarTest, ADumbTerminalGetsPlainLines) {
  setenv("TERM", "dumb", 1);
  ProgressBar& bar = MakeBar();
  bar.set_total(4);
  bar.Update();
  EXPECT_THAT(Screen(), IsEmpty());
  bar.Finish();
  EXPECT_THAT(Screen(), ElementsAre("[0:00] 0/4 (0%), in 0:00"));
}

TEST_F(ProgressBarTest, QuietIsQuiet) {
  ProgressBarOptions options;
  options.style = ProgressBarOptions::Style::kQuiet;
  ProgressBar& bar = MakeBar(options);
  bar.set_total(4);
  End(4);
  bar.Update();
  bar.Finish();
  Screen();
  EXPECT_EQ(written_, "");
  bar.Print("but this is");
  EXPECT_THAT(Screen(), ElementsAre("but this is"));
}

TEST_F(ProgressBarTest, TheOwnThreadDrawsByItself) {
  ProgressBarOptions options;
  options.output = program_.get();
  options.refresh = absl::Milliseconds(1);
  options.clock = [this] { return now_; };
  options.total = 4;
  ProgressBar bar(options);
  // Blocks until something was drawn.
  char first = 0;
  ASSERT_EQ(read(terminal_.get(), &first, 1), 1);
  EXPECT_EQ(first, '\r');
}

}  // namespace
}  // namespace multiproc
