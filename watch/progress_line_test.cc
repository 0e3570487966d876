#include "multiproc/watch/progress_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multiproc/watch/display_text.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

Progress SomeProgress() {
  Progress progress;
  progress.title = "tiles";
  progress.total = 1000;
  progress.done = 430;
  progress.failed = 2;
  progress.running = 4;
  progress.rate = 28.3;
  progress.elapsed = absl::Seconds(12.9);
  return progress;
}

std::string Line(const Progress& progress, int columns, bool utf8 = true) {
  return TerminalLines(progress, {columns, 24}, utf8)[0];
}

TEST(ProgressLineTest, PlainHasAllOfIt) {
  Progress progress = SomeProgress();
  EXPECT_EQ(PlainLine(progress),
            "[0:12] tiles 430/1000 (43%), 2 failed, 4 running, 28.3/s, "
            "0:21 left");
  progress.cancelled = 3;
  progress.finished = true;
  progress.done = 1000;
  progress.running = 0;
  progress.elapsed = absl::Seconds(3725);
  EXPECT_EQ(PlainLine(progress),
            "[1:02:05] tiles 1000/1000 (100%), 2 failed, 3 cancelled, 28.3/s, "
            "in 1:02:05");
}

TEST(ProgressLineTest, PlainWithoutAnythingKnown) {
  EXPECT_EQ(PlainLine(Progress()), "[0:00] 0/0");
}

TEST(ProgressLineTest, RatesHaveThreeDigitsOrSo) {
  Progress progress;
  progress.total = progress.done = 10;
  for (const auto& [rate, text] :
       {std::pair<double, std::string>{123456.7, "123457/s"},
        {99.96, "100.0/s"},
        {1, "1.0/s"},
        {0.25, "0.25/s"}}) {
    progress.rate = rate;
    EXPECT_EQ(PlainLine(progress),
              absl::StrCat("[0:00] 10/10 (100%), ", text, ", 0:00 left"));
  }
}

TEST(ProgressLineTest, NobodyIsToldOfYearsOrOfNothing) {
  Progress progress;
  progress.total = 1'000'000'000;
  progress.rate = 0.01;
  EXPECT_EQ(PlainLine(progress), "[0:00] 0/1000000000 (0%), 0.01/s");
  progress.rate = 0;
  EXPECT_EQ(PlainLine(progress), "[0:00] 0/1000000000 (0%), 0.00/s");
}

TEST(ProgressLineTest, TheBarFillsUpToForty) {
  EXPECT_EQ(Line(SomeProgress(), 200),
            "tiles   43%  |████████████████▎                     |  430/1000  "
            "2 failed  4 running  28.3/s  0:21 left");
  EXPECT_EQ(Line(SomeProgress(), 200, /*utf8=*/false),
            "tiles   43%  |################                      |  430/1000  "
            "2 failed  4 running  28.3/s  0:21 left");
}

TEST(ProgressLineTest, TheBarTakesTheRestOfTheWidth) {
  EXPECT_EQ(Line(SomeProgress(), 80),
            "tiles   43%  |██████        |  430/1000  2 failed  4 running  "
            "28.3/s  0:21 left");
}

TEST(ProgressLineTest, WhatMattersLeastIsLeftOutFirst) {
  const Progress progress = SomeProgress();
  EXPECT_EQ(Line(progress, 70),
            "tiles   43%  |██████▍        |  430/1000  2 failed  28.3/s  "
            "0:21 left");
  EXPECT_EQ(Line(progress, 60),
            "tiles   43%  |█████▌       |  430/1000  2 failed  0:21 left");
  EXPECT_EQ(Line(progress, 50), "tiles   43%  430/1000  2 failed  0:21 left");
  EXPECT_EQ(Line(progress, 40), "tiles   43%  430/1000  2 failed");
  EXPECT_EQ(Line(progress, 30), " 43%  430/1000  2 failed");
  EXPECT_EQ(Line(progress, 20), " 43%  430/1000");
  EXPECT_EQ(Line(progress, 10), "430/1000");
  EXPECT_EQ(Line(progress, 6), "430/1");
  EXPECT_EQ(Line(progress, 1), "4");
}

TEST(ProgressLineTest, NoWidthIsTooSmall) {
  for (int columns = 0; columns < 130; ++columns) {
    Progress progress = SomeProgress();
    progress.title = "图块与很长的名字";
    progress.cancelled = 17;
    for (const bool utf8 : {true, false}) {
      for (progress.done = 0; progress.done <= 1000; progress.done += 125) {
        EXPECT_LT(CountColumns(Line(progress, columns, utf8)),
                  static_cast<size_t>(std::max(columns, 2)));
      }
    }
  }
}

TEST(ProgressLineTest, FromEmptyToFull) {
  Progress progress;
  progress.total = 8;
  EXPECT_EQ(Line(progress, 24), "  0%  |          |  0/8");
  progress.done = 8;
  EXPECT_EQ(Line(progress, 24), "100%  |██████████|  8/8");
}

TEST(ProgressLineTest, WorkersHaveLinesAsFarAsThereIsRoom) {
  Progress progress;
  progress.total = 9;
  progress.workers = {
      {1, 4711, true, 3, "Square big", absl::Milliseconds(1250)},
      {2, 4712, true, 0, "", {}},
      {3, 4713, false, 0, "", {}}};
  const auto lines = [&](int rows) {
    std::vector<std::string> all = TerminalLines(progress, {60, rows}, true);
    all.erase(all.begin());
    return all;
  };
  EXPECT_THAT(lines(24),
              ElementsAre("  worker 1 (pid 4711)  3 done  1.2s  Square big",
                          "  worker 2 (pid 4712)  0 done  idle",
                          "  worker 3 (pid 4713)  0 done  starting"));
  EXPECT_THAT(lines(5), SizeIs(3));
  EXPECT_THAT(lines(4),
              ElementsAre("  worker 1 (pid 4711)  3 done  1.2s  Square big",
                          "  and 2 more workers"));
  EXPECT_THAT(lines(3), ElementsAre("  and 3 more workers"));
  EXPECT_THAT(lines(2), SizeIs(0));
  EXPECT_THAT(lines(1), SizeIs(0));
}

}  // namespace
}  // namespace multiproc
