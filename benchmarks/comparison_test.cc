#include "multiproc/benchmarks/comparison.h"

#include <gtest/gtest.h>

#include <string>

namespace multiproc {
namespace {

Figure MakeFigure(const std::string& who, double median) {
  Figure figure;
  figure.item = "item";
  figure.who = who;
  figure.metric = "p50";
  figure.unit = "us";
  figure.summary = Summarize({median});
  return figure;
}

FigureKey Key(const std::string& who) { return {"item", who, "p50"}; }

Measure MakeMeasure(Better better, const std::vector<Rival>& rivals) {
  return {"1", "title", better, Key("multiproc"), rivals};
}

Rival MakeRival(const std::vector<FigureKey>& figures, double factor) {
  return {Rival::Kind::kFloor, "rival", figures, factor};
}

class ComparisonTest : public testing::Test {
 protected:
  ComparisonTest() {
    log_.Add(MakeFigure("multiproc", 20), false);
    log_.Add(MakeFigure("floor", 16), true);
    log_.Add(MakeFigure("slow_floor", 40), false);
  }

  RivalResult CompareWith(Better better, const Rival& rival) {
    return Compare({MakeMeasure(better, {rival})}, log_)[0].rivals[0];
  }

  FigureLog log_;
};

TEST_F(ComparisonTest, RatioIsOursOverTheirs) {
  const RivalResult result =
      CompareWith(Better::kLess, MakeRival({Key("floor")}, 0));
  EXPECT_DOUBLE_EQ(result.ratio, 1.25);
  EXPECT_EQ(result.verdict, Verdict::kNoTarget);
  EXPECT_TRUE(result.value->disturbed);
}

TEST_F(ComparisonTest, WhereLessIsBetterTheTargetIsTheMost) {
  EXPECT_EQ(CompareWith(Better::kLess, MakeRival({Key("floor")}, 1.25)).verdict,
            Verdict::kMet);
  EXPECT_EQ(CompareWith(Better::kLess, MakeRival({Key("floor")}, 1.2)).verdict,
            Verdict::kMissed);
}

TEST_F(ComparisonTest, WhereMoreIsBetterTheTargetIsTheLeast) {
  EXPECT_EQ(CompareWith(Better::kMore, MakeRival({Key("floor")}, 1.25)).verdict,
            Verdict::kMet);
  EXPECT_EQ(CompareWith(Better::kMore, MakeRival({Key("floor")}, 1.3)).verdict,
            Verdict::kMissed);
}

TEST_F(ComparisonTest, TheBestOfSeveralFiguresCounts) {
  const Rival rival =
      MakeRival({Key("slow_floor"), Key("floor"), Key("no_such")}, 0);
  EXPECT_DOUBLE_EQ(CompareWith(Better::kLess, rival).value->number, 16);
  EXPECT_DOUBLE_EQ(CompareWith(Better::kMore, rival).value->number, 40);
}

TEST_F(ComparisonTest, ALimitIsItsOwnTarget) {
  EXPECT_EQ(CompareWith(Better::kLess, {Rival::Kind::kLimit, "20", {}, 1, 20.0})
                .verdict,
            Verdict::kMet);
  EXPECT_EQ(CompareWith(Better::kLess, {Rival::Kind::kLimit, "19", {}, 1, 19.0})
                .verdict,
            Verdict::kMissed);
}

TEST_F(ComparisonTest, WhatIsNotMeasuredIsUnknown) {
  Figure failed = MakeFigure("peer", 0);
  failed.error = "not installed";
  log_.Add(failed, false);
  const RivalResult absent =
      CompareWith(Better::kLess, MakeRival({Key("peer")}, 1));
  EXPECT_EQ(absent.verdict, Verdict::kUnknown);
  EXPECT_EQ(absent.value.status().message(), "not installed");
  EXPECT_EQ(CompareWith(Better::kLess, MakeRival({Key("no_such")}, 0)).verdict,
            Verdict::kNoTarget);
}

}  // namespace
}  // namespace multiproc
