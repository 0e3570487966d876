#include "multiproc/benchmarks/figure.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"

namespace multiproc {
namespace {

constexpr char kLine[] =
    R"({"item":"pool_roundtrip","who":"multiproc","p":{"op":"submit_get",)"
    R"("workers":1},"metric":"p50","unit":"us","median":75,"min":70,)"
    R"("max":80.5,"iqr":5,"n":3})";

TEST(FigureTest, FormatsOneLine) {
  Figure figure;
  figure.item = "pool_roundtrip";
  figure.who = "multiproc";
  figure.parameters = {{"workers", "1"}, {"op", "submit_get"}};
  figure.metric = "p50";
  figure.unit = "us";
  figure.summary = {75, 70, 80.5, 5, 3};
  EXPECT_EQ(FormatFigure(figure), kLine);
}

TEST(FigureTest, ParsesWhatItFormats) {
  const auto figure = ParseFigure(kLine);
  ASSERT_TRUE(figure.ok()) << figure.status();
  EXPECT_EQ(FormatFigure(*figure), kLine);
  EXPECT_EQ(figure->parameters,
            (Parameters{{"workers", "1"}, {"op", "submit_get"}}));
  EXPECT_DOUBLE_EQ(figure->summary.max, 80.5);
}

TEST(FigureTest, AnErrorStandsInPlaceOfNumbers) {
  const auto figure = ParseFigure(
      R"({"item":"spawn","who":"boost","p":{},"error":"no \"boost\" here"})");
  ASSERT_TRUE(figure.ok()) << figure.status();
  EXPECT_EQ(figure->error, "no \"boost\" here");
  EXPECT_EQ(FormatFigure(*figure),
            R"({"item":"spawn","who":"boost","p":{},"metric":"","unit":"",)"
            R"("error":"no \"boost\" here"})");
}

TEST(FigureTest, RefusesOtherLines) {
  for (const char* line :
       {"text", "{}", R"({"item":"spawn"})",
        R"({"item":"spawn","who":"x","median":"?"})",
        R"({"item":"spawn","who":"x","median":1,"min":1,"max":1,"iqr":0})"}) {
    EXPECT_EQ(ParseFigure(line).status().code(),
              absl::StatusCode::kInvalidArgument)
        << line;
  }
}

}  // namespace
}  // namespace multiproc
