#include "multiproc/pool/chunk_results.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/item_errors.h"
#include "multiproc/pool/derived_state.h"
#include "multiproc/pool/future_state.h"
#include "multiproc/pool/item_index.h"
#include "multiproc/pool/map_options.h"
#include "multiproc/pool/map_run.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kFirst = 100;

// Of `count` items from kFirst on.
MapRun::Chunk ChunkOf(uint32_t count, absl::Status status, std::string result) {
  MapRun::Chunk chunk;
  chunk.state = MakeDerivedState(nullptr);
  chunk.first = kFirst;
  chunk.count = count;
  FutureState::Fulfil(chunk.state, std::move(status), std::move(result));
  return chunk;
}

// As a worker answers several calls.
MapRun::Chunk RowOf(uint32_t count, const std::vector<int>& results,
                    const std::vector<ItemError>& errors) {
  std::string bytes;
  Encoder encoder(&bytes);
  for (const int result : results) encoder.Put(result);
  AppendItemErrors(errors, &bytes);
  return ChunkOf(count, absl::OkStatus(), std::move(bytes));
}

void ExpectAll(const std::vector<absl::StatusOr<int>>& outcomes, uint32_t count,
               absl::StatusCode code) {
  ASSERT_EQ(outcomes.size(), count);
  for (uint32_t i = 0; i < count; ++i) {
    EXPECT_EQ(outcomes[i].status().code(), code) << outcomes[i].status();
    EXPECT_EQ(GetItemIndex(outcomes[i].status()), kFirst + i);
  }
}

TEST(ChunkResultsTest, EachItemHasItsOutcome) {
  const ChunkResults good(RowOf(3, {1, 2, 3}, {}));
  EXPECT_TRUE(good.FirstError().ok());
  std::vector<int> results = {9};
  EXPECT_TRUE(good.PutInto(&results).ok());
  ASSERT_EQ(results.size(), kFirst + 3);
  EXPECT_EQ(results[0], 9);
  results.erase(results.begin(), results.begin() + kFirst);
  EXPECT_THAT(results, ElementsAre(1, 2, 3));

  const ChunkResults mixed(RowOf(
      4, {1, 3},
      {{1, absl::AbortedError("two")}, {3, absl::NotFoundError("four")}}));
  const auto outcomes = mixed.Outcomes<int>(OnError::kContinue);
  ASSERT_EQ(outcomes.size(), 4u);
  EXPECT_EQ(*outcomes[0], 1);
  EXPECT_EQ(outcomes[1].status().message(), "two");
  EXPECT_EQ(GetItemIndex(outcomes[1].status()), kFirst + 1);
  EXPECT_EQ(*outcomes[2], 3);
  EXPECT_EQ(outcomes[3].status().message(), "four");
  EXPECT_EQ(GetItemIndex(mixed.FirstError()), kFirst + 1);
}

TEST(ChunkResultsTest, AChunkThatStoppedEndsWithItsError) {
  const ChunkResults results(RowOf(4, {1}, {{1, absl::AbortedError("two")}}));
  const auto outcomes = results.Outcomes<int>(OnError::kStop);
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(*outcomes[0], 1);
  EXPECT_TRUE(absl::IsAborted(outcomes[1].status()));
}

TEST(ChunkResultsTest, ACallAloneHasAResultAlone) {
  std::string bytes;
  ASSERT_TRUE(EncodeValues(&bytes, 7).ok());
  const ChunkResults results(ChunkOf(1, absl::OkStatus(), bytes));
  const auto outcomes = results.Outcomes<int>(OnError::kStop);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(*outcomes[0], 7);
}

TEST(ChunkResultsTest, TheErrorOfAChunkIsThatOfEachItem) {
  const ChunkResults results(ChunkOf(3, absl::UnavailableError("dead"), ""));
  EXPECT_EQ(GetItemIndex(results.FirstError()), kFirst);
  ExpectAll(results.Outcomes<int>(OnError::kContinue), 3,
            absl::StatusCode::kUnavailable);
}

// One result too many, one too few, none at all.
TEST(ChunkResultsTest, ResultsThatCantBeUnpackedAreNotBelieved) {
  for (const auto& values :
       std::vector<std::vector<int>>{{1, 2, 3, 4}, {1, 2}, {}}) {
    const ChunkResults results(RowOf(3, values, {}));
    ExpectAll(results.Outcomes<int>(OnError::kContinue), 3,
              absl::StatusCode::kDataLoss);
    std::vector<int> all;
    const absl::Status status = results.PutInto(&all);
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_EQ(GetItemIndex(status), kFirst);
  }
  const auto statuses =
      ChunkResults(RowOf(2, {1}, {})).Outcomes<void>(OnError::kContinue);
  ASSERT_EQ(statuses.size(), 2u);
  EXPECT_TRUE(absl::IsDataLoss(statuses[0]));
  EXPECT_TRUE(absl::IsDataLoss(statuses[1]));
}

// A worker may write anything.
TEST(ChunkResultsTest, AnErrorOfNoItemIsNotBelieved) {
  for (const uint64_t index : {uint64_t{3}, ~uint64_t{0}}) {
    const ChunkResults results(
        RowOf(3, {1, 2, 3}, {{index, absl::AbortedError("whose?")}}));
    EXPECT_TRUE(absl::IsDataLoss(results.FirstError()));
    EXPECT_EQ(GetItemIndex(results.FirstError()), kFirst);
    for (const OnError on_error : {OnError::kStop, OnError::kContinue}) {
      ExpectAll(results.Outcomes<int>(on_error), 3,
                absl::StatusCode::kDataLoss);
    }
  }
}

}  // namespace
}  // namespace multiproc
