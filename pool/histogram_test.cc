#include "multiproc/pool/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "absl/time/time.h"

namespace multiproc {
namespace {

constexpr double kQuantiles[] = {0.001, 0.01, 0.1,  0.25, 0.5,
                                 0.75,  0.9,  0.99, 0.999};

Histogram Of(const std::vector<int64_t>& times) {
  Histogram histogram;
  for (const int64_t time : times) histogram.Record(time);
  return histogram;
}

// As Quantile is defined.
int64_t TrueQuantile(std::vector<int64_t> times, double p) {
  std::sort(times.begin(), times.end());
  const double rank = std::ceil(p * static_cast<double>(times.size()));
  return times[static_cast<size_t>(rank) - 1];
}

void ExpectClose(const std::vector<int64_t>& times) {
  const Histogram histogram = Of(times);
  EXPECT_EQ(histogram.count(), times.size());
  for (const double p : kQuantiles) {
    const auto wanted = static_cast<double>(TrueQuantile(times, p));
    const double found = absl::ToDoubleNanoseconds(histogram.Quantile(p));
    EXPECT_NEAR(found, wanted, wanted / 64) << p;
  }
}

TEST(HistogramTest, IsSmall) { EXPECT_LE(sizeof(Histogram), 12u << 10); }

TEST(HistogramTest, OfNothingAllIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0);
  EXPECT_EQ(histogram.Mean(), absl::ZeroDuration());
  EXPECT_EQ(histogram.Min(), absl::ZeroDuration());
  EXPECT_EQ(histogram.Max(), absl::ZeroDuration());
  for (const double p : {0.0, 0.5, 1.0}) {
    EXPECT_EQ(histogram.Quantile(p), absl::ZeroDuration());
  }
}

TEST(HistogramTest, OfOneTimeAllIsThatTime) {
  for (const int64_t time :
       {int64_t{0}, int64_t{1}, int64_t{63}, int64_t{64}, int64_t{1'000'003},
        (int64_t{1} << 48) - 1, int64_t{1} << 48,
        (std::numeric_limits<int64_t>::max)()}) {
    const Histogram histogram = Of({time});
    EXPECT_EQ(histogram.Min(), absl::Nanoseconds(time));
    EXPECT_EQ(histogram.Max(), absl::Nanoseconds(time));
    for (const double p : {0.0, 0.01, 0.5, 0.99, 1.0}) {
      EXPECT_EQ(histogram.Quantile(p), absl::Nanoseconds(time)) << time;
    }
    EXPECT_NEAR(absl::ToDoubleNanoseconds(histogram.Mean()),
                static_cast<double>(time), static_cast<double>(time) * 1e-15);
  }
}

TEST(HistogramTest, SmallTimesAreExact) {
  std::vector<int64_t> times;
  for (int64_t i = 0; i < 64; ++i) times.push_back(63 - i);
  const Histogram histogram = Of(times);
  for (const double p : kQuantiles) {
    EXPECT_EQ(histogram.Quantile(p), absl::Nanoseconds(TrueQuantile(times, p)));
  }
  EXPECT_EQ(histogram.Mean(), absl::Nanoseconds(31.5));
}

TEST(HistogramTest, MeanMinAndMaxAreExact) {
  const Histogram histogram = Of({1'000'000'007, 3, 1'000'000'000'000});
  EXPECT_EQ(histogram.count(), 3);
  EXPECT_EQ(histogram.Min(), absl::Nanoseconds(3));
  EXPECT_EQ(histogram.Max(), absl::Seconds(1000));
  EXPECT_EQ(histogram.Mean(), absl::Nanoseconds(1'001'000'000'010 / 3.0));
}

TEST(HistogramTest, NegativeTimesAreZero) {
  const Histogram histogram =
      Of({-1, (std::numeric_limits<int64_t>::min)(), 10});
  EXPECT_EQ(histogram.count(), 3);
  EXPECT_EQ(histogram.Min(), absl::ZeroDuration());
  EXPECT_EQ(histogram.Quantile(0.5), absl::ZeroDuration());
  EXPECT_EQ(histogram.Quantile(0.9), absl::Nanoseconds(10));
}

TEST(HistogramTest, QuantilesAreThoseOfTheSortedTimes) {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<int64_t> even(0, 1'000'000);
  std::lognormal_distribution<double> skewed(10, 4);
  std::vector<int64_t> evenly;
  std::vector<int64_t> skewedly;
  std::vector<int64_t> two_kinds;
  for (int i = 0; i < 10'000; ++i) {
    evenly.push_back(even(random));
    skewedly.push_back(static_cast<int64_t>((std::min)(skewed(random), 1e14)));
    two_kinds.push_back(i % 100 == 0 ? 5'000'000'000 : 700 + i % 7);
  }
  ExpectClose(evenly);
  ExpectClose(skewedly);
  ExpectClose(two_kinds);
  ExpectClose({5, 70'000});
}

TEST(HistogramTest, EachPowerOfTwoAndItsNeighboursAreClose) {
  for (int bits = 1; bits < 48; ++bits) {
    const int64_t power = int64_t{1} << bits;
    // The one in the middle is not held in place by the least and greatest.
    for (const int64_t time : {power - 1, power, power + 1}) {
      ExpectClose({0, time, int64_t{1} << 50});
    }
  }
}

TEST(HistogramTest, OfVeryLongTimesTheLongestIsKnown) {
  const int64_t days = 24 * 3'600'000'000'000;
  const Histogram histogram = Of({1, 10 * days, 300 * days});
  EXPECT_EQ(histogram.Quantile(0.3), absl::Nanoseconds(1));
  EXPECT_EQ(histogram.Quantile(0.6), absl::Nanoseconds(300 * days));
  EXPECT_EQ(histogram.Max(), absl::Nanoseconds(300 * days));
}

TEST(HistogramTest, QuantilesBeyondTheEndsAreTheEnds) {
  const Histogram histogram = Of({100, 200, 300});
  EXPECT_EQ(histogram.Quantile(-1), absl::Nanoseconds(100));
  EXPECT_EQ(histogram.Quantile(0), absl::Nanoseconds(100));
  EXPECT_EQ(histogram.Quantile(2), absl::Nanoseconds(300));
  EXPECT_EQ(histogram.Quantile(std::nan("")), absl::Nanoseconds(100));
}

}  // namespace
}  // namespace multiproc
