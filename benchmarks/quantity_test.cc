#include "multiproc/benchmarks/quantity.h"

#include <gtest/gtest.h>

namespace multiproc {
namespace {

TEST(QuantityTest, RatesGetPrefixes) {
  EXPECT_EQ(FormatQuantity(1234567, "1/s"), "1.23 M/s");
  EXPECT_EQ(FormatQuantity(47812, "1/s"), "47.8 k/s");
  EXPECT_EQ(FormatQuantity(1825, "1/s"), "1825 /s");
}

TEST(QuantityTest, WhatIsRoundedUpGetsTheLargerUnit) {
  EXPECT_EQ(FormatQuantity(999900, "1/s"), "1 M/s");
  EXPECT_EQ(FormatQuantity(999.9, "us"), "1 ms");
}

TEST(QuantityTest, TimesGetLargerUnits) {
  EXPECT_EQ(FormatQuantity(30.909, "us"), "30.9 us");
  EXPECT_EQ(FormatQuantity(55700, "us"), "55.7 ms");
  EXPECT_EQ(FormatQuantity(2.3e6, "us"), "2.3 s");
  EXPECT_EQ(FormatQuantity(1893, "ms"), "1.89 s");
}

TEST(QuantityTest, OtherUnitsStay) {
  EXPECT_EQ(FormatQuantity(250, "B"), "250 B");
  EXPECT_EQ(FormatQuantity(1822, "B"), "1822 B");
  EXPECT_EQ(FormatQuantity(2.1, "x"), "2.1 x");
  EXPECT_EQ(FormatQuantity(3, "1"), "3");
  EXPECT_EQ(FormatQuantity(388.2, "MB/s"), "388 MB/s");
}

TEST(QuantityTest, RatiosHaveTwoOrThreeDigits) {
  EXPECT_EQ(FormatRatio(0.0812), "0.081");
  EXPECT_EQ(FormatRatio(1.254), "1.25");
  EXPECT_EQ(FormatRatio(12.34), "12.3");
  EXPECT_EQ(FormatRatio(4520.4), "4,520");
  EXPECT_EQ(FormatRatio(1234567), "1,234,567");
}

}  // namespace
}  // namespace multiproc
