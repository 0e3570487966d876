#include "multiproc/benchmarks/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"

namespace multiproc {
namespace {

Comparison MakeComparison() {
  Comparison comparison{{"1", "One task", Better::kLess}, Value{30, "us"}, {}};
  comparison.rivals.resize(3);
  comparison.rivals[0].rival = {Rival::Kind::kFloor, "pipe", {}, 1.25};
  comparison.rivals[0].value = Value{20, "us", true};
  comparison.rivals[0].ratio = 1.5;
  comparison.rivals[0].verdict = Verdict::kMissed;
  comparison.rivals[1].rival = {Rival::Kind::kPeer, "Pool"};
  comparison.rivals[1].value = Value{3000, "us"};
  comparison.rivals[1].ratio = 0.01;
  comparison.rivals[2].rival = {Rival::Kind::kPeer, "loky", {}, 1};
  comparison.rivals[2].value = absl::NotFoundError("not installed");
  comparison.rivals[2].verdict = Verdict::kUnknown;
  return comparison;
}

TEST(TableTest, HasALineForEachRival) {
  EXPECT_EQ(
      FormatTable({MakeComparison()}),
      R"(| # | what     | multiproc | against | theirs | ratio | target  |         |
| - | -------- | --------: | ------- | -----: | ----: | ------- | ------- |
| 1 | One task |     30 us | pipe    | ~20 us |   1.5 | <= 1.25 | MISSED  |
|   |          |           | Pool    |   3 ms |  0.01 |         |         |
|   |          |           | loky    |      - |       | <= 1    | unknown |
)");
}

TEST(TableTest, LeavesOutWhatIsNeitherMeasuredNorATarget) {
  Comparison comparison = MakeComparison();
  comparison.rivals[2].rival.target_factor = 0;
  EXPECT_FALSE(absl::StrContains(FormatTable({comparison}), "loky"));
}

TEST(TableTest, CountsVerdicts) {
  EXPECT_EQ(FormatVerdicts({MakeComparison()}),
            "Targets: 0 met, 1 missed, 1 unknown.\n"
            "  missed: 1. One task: 1.5 of pipe, target <= 1.25\n");
}

TEST(TableTest, WithoutMeasuresThereIsOnlyTheHead) {
  const std::string table = FormatTable({});
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2);
}

}  // namespace
}  // namespace multiproc
