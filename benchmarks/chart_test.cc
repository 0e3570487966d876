#include "multiproc/benchmarks/chart.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"

namespace multiproc {
namespace {

Comparison MakeComparison(Better better) {
  Comparison comparison{{"1", "One <task>", better}, Value{10, "us"}, {}};
  comparison.rivals.resize(2);
  comparison.rivals[0].rival = {Rival::Kind::kPeer, "Pool", {}, 10};
  comparison.rivals[0].value = Value{100, "us", true};
  comparison.rivals[0].ratio = 0.1;
  comparison.rivals[0].verdict = Verdict::kMet;
  comparison.rivals[1].rival = {Rival::Kind::kPeer, "loky"};
  comparison.rivals[1].value = absl::NotFoundError("not installed");
  return comparison;
}

TEST(ChartTest, CostIsTimeOrTheInverseOfARate) {
  EXPECT_DOUBLE_EQ(RelativeCost(10, 20, Better::kLess), 2);
  EXPECT_DOUBLE_EQ(RelativeCost(10, 20, Better::kMore), 0.5);
}

TEST(ChartTest, ABarSaysItsFigureAndItsCost) {
  const std::string svg = FormatChart({MakeComparison(Better::kLess)}, "here");
  EXPECT_TRUE(absl::StrContains(svg, ">~100 us</text>")) << svg;
  EXPECT_TRUE(absl::StrContains(svg, ">10x</text>")) << svg;
  EXPECT_TRUE(absl::StrContains(svg, ">10 us</text>")) << svg;
}

TEST(ChartTest, TextIsEscaped) {
  const std::string svg = FormatChart({MakeComparison(Better::kLess)}, "a & b");
  EXPECT_TRUE(absl::StrContains(svg, "1. One &lt;task&gt;</text>")) << svg;
  EXPECT_TRUE(absl::StrContains(svg, ">a &amp; b</text>")) << svg;
}

TEST(ChartTest, WhatIsNotMeasuredIsLeftOut) {
  Comparison absent = MakeComparison(Better::kLess);
  absent.measure.title = "Absent";
  absent.ours = absl::NotFoundError("not measured");
  const std::string svg =
      FormatChart({MakeComparison(Better::kLess), absent}, "");
  EXPECT_FALSE(absl::StrContains(svg, "loky")) << svg;
  EXPECT_FALSE(absl::StrContains(svg, "Absent")) << svg;
}

// The plot goes from 0.1 at 270 to 10^k at 830; this one to 100.
TEST(ChartTest, BarsEndOnTheLogarithmicScale) {
  const std::string svg = FormatChart({MakeComparison(Better::kLess)}, "");
  EXPECT_TRUE(
      absl::StrContains(svg, "<rect x=\"270.0\" y=\"118.0\" width=\"186.7\""))
      << svg;
  EXPECT_TRUE(
      absl::StrContains(svg, "<rect x=\"270.0\" y=\"135.0\" width=\"373.3\""))
      << svg;
}

// It may cost ten times the peer's 10x.
TEST(ChartTest, TicksAreAtTheTarget) {
  const std::string svg = FormatChart({MakeComparison(Better::kLess)}, "");
  EXPECT_TRUE(absl::StrContains(
      svg,
      "<rect x=\"828.5\" y=\"115.0\" width=\"3.0\" height=\"18.0\" "
      "fill=\"#1e8e3e\"/>"))
      << svg;
}

TEST(ChartTest, WithoutMeasuresItIsADrawingStill) {
  const std::string svg = FormatChart({}, "");
  EXPECT_TRUE(absl::StartsWith(svg, "<svg "));
  EXPECT_TRUE(absl::EndsWith(svg, "</svg>\n"));
}

}  // namespace
}  // namespace multiproc
