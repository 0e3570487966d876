#include "multiproc/benchmarks/statistics.h"

#include <gtest/gtest.h>

namespace multiproc {
namespace {

TEST(StatisticsTest, QuantileInterpolatesBetweenTheNearestSamples) {
  EXPECT_DOUBLE_EQ(Quantile({40, 10, 30, 20}, 0.5), 25);
  EXPECT_DOUBLE_EQ(Quantile({10, 20, 30}, 0.25), 15);
}

TEST(StatisticsTest, QuantilesZeroAndOneAreTheExtremes) {
  EXPECT_DOUBLE_EQ(Quantile({3, 1, 2}, 0), 1);
  EXPECT_DOUBLE_EQ(Quantile({3, 1, 2}, 1), 3);
}

TEST(StatisticsTest, OfNoSamplesEverythingIsZero) {
  EXPECT_DOUBLE_EQ(Quantile({}, 0.5), 0);
  EXPECT_DOUBLE_EQ(Mean({}), 0);
  EXPECT_EQ(Summarize({}).count, 0);
}

TEST(StatisticsTest, MeanOfSamples) { EXPECT_DOUBLE_EQ(Mean({1, 2, 6}), 3); }

TEST(StatisticsTest, SummaryOfFiveSamples) {
  const Summary summary = Summarize({5, 1, 4, 2, 3});
  EXPECT_DOUBLE_EQ(summary.median, 3);
  EXPECT_DOUBLE_EQ(summary.min, 1);
  EXPECT_DOUBLE_EQ(summary.max, 5);
  EXPECT_DOUBLE_EQ(summary.interquartile_range, 2);
  EXPECT_EQ(summary.count, 5);
}

TEST(StatisticsTest, SummaryOfOneSampleHasNoRange) {
  const Summary summary = Summarize({7});
  EXPECT_DOUBLE_EQ(summary.median, 7);
  EXPECT_DOUBLE_EQ(summary.interquartile_range, 0);
}

}  // namespace
}  // namespace multiproc
