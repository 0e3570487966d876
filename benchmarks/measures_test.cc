#include "multiproc/benchmarks/measures.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace multiproc {
namespace {

TEST(MeasuresTest, ThereAreThirteenRows) {
  std::set<std::string> rows;
  for (const Measure& measure : Measures({10, 1024})) rows.insert(measure.row);
  EXPECT_EQ(rows, (std::set<std::string>{"1", "2", "3", "4", "5", "6", "7", "8",
                                         "9", "10", "11", "12", "13"}));
}

TEST(MeasuresTest, EveryMeasureIsOfThisLibraryAndHasARival) {
  for (const Measure& measure : Measures({10, 1024})) {
    EXPECT_EQ(measure.ours.who, "multiproc") << measure.title;
    EXPECT_FALSE(measure.rivals.empty()) << measure.title;
  }
}

TEST(MeasuresTest, EveryRivalHasAFigureOrALimit) {
  for (const Measure& measure : Measures({10, 1024})) {
    for (const Rival& rival : measure.rivals) {
      const bool is_limit = rival.kind == Rival::Kind::kLimit;
      EXPECT_EQ(rival.figures.empty(), is_limit) << rival.label;
      EXPECT_EQ(rival.limit > 0, is_limit) << rival.label;
    }
  }
}

TEST(MeasuresTest, StartsAreMeasuredForEachSize) {
  EXPECT_EQ(Measures({10, 1024, 4096}).size(), Measures({10, 1024}).size() + 3);
}

}  // namespace
}  // namespace multiproc
