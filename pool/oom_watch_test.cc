#include "multiproc/pool/oom_watch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace multiproc {
namespace {

class OomWatchTest : public ::testing::Test {
 protected:
  OomKillCounter Counter() {
    return [this] {
      ++reads_;
      return count_;
    };
  }

  std::optional<uint64_t> count_ = 5;
  int reads_ = 0;
  const ExitStatus killed_ = ExitStatus::Signaled(9);
};

TEST_F(OomWatchTest, WhatWasCountedBeforeExplainsNothing) {
  OomWatch watch(Counter());
  EXPECT_EQ(watch.Explain(killed_), false);
}

TEST_F(OomWatchTest, EachKillExplainsOneDeath) {
  OomWatch watch(Counter());
  count_ = 7;
  EXPECT_EQ(watch.Explain(killed_), true);
  EXPECT_EQ(watch.Explain(killed_), true);
  EXPECT_EQ(watch.Explain(killed_), false);
  count_ = 8;
  EXPECT_EQ(watch.Explain(killed_), true);
  EXPECT_EQ(watch.Explain(killed_), false);
}

TEST_F(OomWatchTest, OtherEndsAreNotItsDoingAndCostNothing) {
  OomWatch watch(Counter());
  count_ = 6;
  EXPECT_EQ(watch.Explain(ExitStatus::Exited(9)), std::nullopt);
  EXPECT_EQ(watch.Explain(ExitStatus::Signaled(11)), std::nullopt);
  EXPECT_EQ(watch.Explain(ExitStatus::Unknown()), std::nullopt);
  EXPECT_EQ(reads_, 1) << "at the start";
  EXPECT_EQ(watch.Explain(killed_), true);
}

TEST_F(OomWatchTest, WithoutACounterNothingIsKnown) {
  count_ = std::nullopt;
  OomWatch watch(Counter());
  EXPECT_EQ(watch.Explain(killed_), std::nullopt);
  // From where on would it count?
  count_ = 6;
  EXPECT_EQ(watch.Explain(killed_), std::nullopt);
}

TEST_F(OomWatchTest, ACounterThatIsGoneTellsNothing) {
  OomWatch watch(Counter());
  count_ = std::nullopt;
  EXPECT_EQ(watch.Explain(killed_), std::nullopt);
  count_ = 6;
  EXPECT_EQ(watch.Explain(killed_), true);
}

}  // namespace
}  // namespace multiproc
