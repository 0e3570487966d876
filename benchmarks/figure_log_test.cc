#include "multiproc/benchmarks/figure_log.h"

#include <gtest/gtest.h>

#include <string>

namespace multiproc {
namespace {

Figure MakeFigure(const std::string& who, const std::string& metric,
                  const Parameters& parameters, double median) {
  Figure figure;
  figure.item = "spawn";
  figure.who = who;
  figure.metric = metric;
  figure.parameters = parameters;
  figure.summary = Summarize({median});
  return figure;
}

TEST(FigureLogTest, FindsByAllThatTheKeySays) {
  FigureLog log;
  log.Add(MakeFigure("floor", "p50", {{"rss", "10"}, {"how", "fork"}}, 1),
          false);
  log.Add(MakeFigure("floor", "p99", {{"rss", "10"}}, 2), false);
  log.Add(MakeFigure("peer", "p50", {{"rss", "10"}}, 3), true);

  const LoggedFigure* const found =
      log.Find({"spawn", "floor", "p50", {{"rss", "10"}}});
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->figure.summary.median, 1);
  EXPECT_FALSE(found->disturbed);
  EXPECT_TRUE(log.Find({"spawn", "peer", "p50", {}})->disturbed);
}

TEST(FigureLogTest, FindsNothingElse) {
  FigureLog log;
  log.Add(MakeFigure("floor", "p50", {{"rss", "10"}}, 1), false);
  EXPECT_EQ(log.Find({"spawn", "floor", "p50", {{"rss", "1024"}}}), nullptr);
  EXPECT_EQ(log.Find({"spawn", "floor", "p50", {{"how", "fork"}}}), nullptr);
  EXPECT_EQ(log.Find({"start", "floor", "p50", {}}), nullptr);
  EXPECT_EQ(FigureLog().Find({}), nullptr);
}

TEST(FigureLogTest, TheLaterFigureCounts) {
  FigureLog log;
  log.Add(MakeFigure("floor", "p50", {}, 1), false);
  log.Add(MakeFigure("floor", "p50", {}, 2), false);
  EXPECT_EQ(log.Find({"spawn", "floor", "p50", {}})->figure.summary.median, 2);
}

TEST(FigureLogTest, AnErrorWithoutParametersExplainsAllOfThem) {
  FigureLog log;
  Figure failed = MakeFigure("floor", "", {}, 0);
  failed.error = "not here";
  log.Add(failed, false);
  EXPECT_EQ(log.Find({"spawn", "floor", "p50", {{"rss", "10"}}})->figure.error,
            "not here");
  EXPECT_EQ(log.Find({"spawn", "peer", "p50", {}}), nullptr);
}

TEST(FigureLogTest, AnErrorDoesNotHideAFigure) {
  FigureLog log;
  log.Add(MakeFigure("floor", "p50", {{"rss", "10"}}, 1), false);
  Figure failed = MakeFigure("floor", "", {}, 0);
  failed.error = "not here";
  log.Add(failed, false);
  EXPECT_EQ(log.Find({"spawn", "floor", "p50", {}})->figure.error, "");
}

}  // namespace
}  // namespace multiproc
