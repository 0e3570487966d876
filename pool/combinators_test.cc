#include "multiproc/pool/combinators.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/functions/codec.h"
#include "multiproc/pool/derived_state.h"
#include "multiproc/pool/future.h"
#include "multiproc/pool/future_state.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Plays the pool.
class CombinatorsTest : public ::testing::Test {
 protected:
  CombinatorsTest() {
    for (int i = 0; i < 4; ++i) {
      states_.push_back(MakeDerivedState(nullptr));
      futures_.emplace_back(states_.back());
    }
  }

  void Succeed(size_t i) {
    std::string bytes;
    ASSERT_TRUE(EncodeValues(&bytes, std::string(i, 'x')).ok());
    FutureState::Fulfil(states_[i], absl::OkStatus(), std::move(bytes));
  }
  void Fail(size_t i) {
    FutureState::Fulfil(states_[i], absl::AbortedError("over"), "");
  }

  std::vector<std::shared_ptr<FutureState>> states_;
  std::vector<Future<std::string>> futures_;
};

TEST_F(CombinatorsTest, AsCompletedGoesByTheOrderOfCompletion) {
  Succeed(2);
  CompletedFutures<std::string> completed = AsCompleted(futures_);
  Fail(3);
  Succeed(0);
  std::vector<size_t> order;
  while (const auto item = completed.NextWithTimeout(absl::ZeroDuration())) {
    EXPECT_TRUE(item->future.Ready());
    order.push_back(item->index);
  }
  EXPECT_THAT(order, ElementsAre(2, 3, 0));
  EXPECT_EQ(completed.remaining(), 1u);
  Succeed(1);
  for (auto& [index, future] : completed) {
    EXPECT_EQ(index, 1u);
    EXPECT_EQ(*future.Get(), "x");
  }
  EXPECT_EQ(completed.remaining(), 0u);
  EXPECT_FALSE(completed.Next().has_value());
}

TEST_F(CombinatorsTest, AsCompletedTakesFuturesOfNoTask) {
  for (auto& [index, future] : AsCompleted(std::vector<Future<int>>(1))) {
    EXPECT_EQ(index, 0u);
    EXPECT_TRUE(absl::IsFailedPrecondition(future.Get().status()));
  }
  EXPECT_FALSE(AsCompleted(std::vector<Future<int>>()).Next().has_value());
}

TEST_F(CombinatorsTest, AsCompletedMayBeMoved) {
  CompletedFutures<std::string> completed = AsCompleted(futures_);
  Succeed(1);
  CompletedFutures<std::string> moved = std::move(completed);
  EXPECT_EQ(moved.remaining(), 4u);
  EXPECT_EQ(moved.Next()->index, 1u);
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_EQ(completed.remaining(), 0u);
  EXPECT_FALSE(completed.Next().has_value());
  EXPECT_FALSE(completed.NextWithTimeout(absl::ZeroDuration()).has_value());
  EXPECT_TRUE(completed.begin() == completed.end());
  // NOLINTEND(bugprone-use-after-move)
}

TEST_F(CombinatorsTest, WhenAllHasEachOutcome) {
  futures_.emplace_back();
  const auto all = WhenAll(futures_);
  for (const size_t i : {3, 1, 0}) Succeed(i);
  EXPECT_FALSE(all.Ready());
  bool called = false;
  all.OnDone([&](const auto&) { called = true; });
  Fail(2);
  EXPECT_TRUE(called);
  const absl::StatusOr<std::vector<absl::StatusOr<std::string>>> outcomes =
      all.Get();
  ASSERT_TRUE(outcomes.ok()) << outcomes.status();
  ASSERT_EQ(outcomes->size(), 5u);
  EXPECT_EQ(*(*outcomes)[0], "");
  EXPECT_EQ(*(*outcomes)[1], "x");
  EXPECT_EQ((*outcomes)[2].status(), absl::AbortedError("over"));
  EXPECT_EQ(*(*outcomes)[3], "xxx");
  EXPECT_TRUE(absl::IsFailedPrecondition((*outcomes)[4].status()));
}

// Of nothing, of one byte too many, and of less than it says.
TEST_F(CombinatorsTest, WhenAllKeepsWhatCantBeUnpackedApart) {
  const auto all = WhenAll(futures_);
  Succeed(2);
  FutureState::Fulfil(states_[0], absl::OkStatus(), "");
  FutureState::Fulfil(states_[1], absl::OkStatus(), std::string("\1xy", 3));
  FutureState::Fulfil(states_[3], absl::OkStatus(), std::string("\5x", 2));
  const auto outcomes = all.Get();
  ASSERT_TRUE(outcomes.ok()) << outcomes.status();
  ASSERT_EQ(outcomes->size(), 4u);
  EXPECT_EQ(*(*outcomes)[2], "xx");
  for (const size_t i : {0, 1, 3}) {
    EXPECT_EQ((*outcomes)[i].status(), futures_[i].Get().status());
    EXPECT_TRUE(absl::IsDataLoss((*outcomes)[i].status()));
  }
}

TEST_F(CombinatorsTest, WhenAllOfVoidHasStatuses) {
  const std::vector<Future<void>> futures = {Future<void>(states_[0]),
                                             Future<void>(states_[1])};
  const Future<std::vector<absl::Status>> all = WhenAll(futures);
  Fail(0);
  FutureState::Fulfil(states_[1], absl::OkStatus(), "");
  EXPECT_THAT(*all.Get(),
              ElementsAre(absl::AbortedError("over"), absl::OkStatus()));
}

TEST_F(CombinatorsTest, WhenAllOfNothingIsReady) {
  const auto all = WhenAll(std::vector<Future<int>>());
  ASSERT_TRUE(all.Ready());
  EXPECT_THAT(*all.Get(), IsEmpty());
}

TEST_F(CombinatorsTest, WhenAnyIsTheFirst) {
  const Future<size_t> any = WhenAny(futures_);
  EXPECT_FALSE(any.Ready());
  Fail(2);
  ASSERT_TRUE(any.Ready());
  Succeed(1);
  EXPECT_EQ(*any.Get(), 2u);
  EXPECT_EQ(*WhenAny(futures_).Get(), 1u);
}

TEST_F(CombinatorsTest, WhenAnyOfNothingIsAnError) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      WhenAny(std::vector<Future<int>>()).Get().status()));
}

TEST_F(CombinatorsTest, WaitAllWaitsForAll) {
  Succeed(1);
  WaitResult result = WaitAll(futures_, absl::Milliseconds(1));
  EXPECT_THAT(result.done, ElementsAre(1));
  EXPECT_THAT(result.not_done, ElementsAre(0, 2, 3));
  for (const size_t i : {0, 2, 3}) Fail(i);
  result = WaitAll(futures_);
  EXPECT_THAT(result.done, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(result.not_done, IsEmpty());
  EXPECT_THAT(WaitAll(std::vector<Future<int>>()).done, IsEmpty());
}

TEST_F(CombinatorsTest, WaitAnyWaitsForOne) {
  EXPECT_THAT(WaitAny(futures_, absl::Milliseconds(1)).done, IsEmpty());
  Succeed(3);
  Succeed(0);
  EXPECT_THAT(WaitAny(futures_).done, ElementsAre(0, 3));
  EXPECT_THAT(WaitAny(std::vector<Future<int>>()).done, IsEmpty());
}

TEST_F(CombinatorsTest, WaitFirstErrorWaitsForAnErrorOrAll) {
  Succeed(0);
  Succeed(1);
  EXPECT_THAT(WaitFirstError(futures_, absl::Milliseconds(1)).done,
              ElementsAre(0, 1));
  Fail(2);
  EXPECT_THAT(WaitFirstError(futures_).not_done, ElementsAre(3));
  const std::vector<Future<std::string>> good = {futures_[0], futures_[1]};
  EXPECT_THAT(WaitFirstError(good).done, ElementsAre(0, 1));
}

}  // namespace
}  // namespace multiproc
