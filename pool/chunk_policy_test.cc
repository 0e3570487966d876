#include "multiproc/pool/chunk_policy.h"

#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace multiproc {
namespace {

TEST(ChunkPolicyTest, BeginsWithSingleItems) {
  EXPECT_EQ(ChunkPolicy(2).NextSize(1000), 1);
  EXPECT_EQ(ChunkPolicy(2).NextSize(std::nullopt), 1);
}

TEST(ChunkPolicyTest, GrowsToTheChunkTimeInSteps) {
  ChunkPolicy chunks(2);
  chunks.Record(1, absl::Microseconds(10));
  EXPECT_EQ(chunks.NextSize(std::nullopt), 16);
  chunks.Record(16, absl::Microseconds(160));
  EXPECT_EQ(chunks.NextSize(std::nullopt), 100);
  chunks.Record(100, absl::Microseconds(1000));
  EXPECT_EQ(chunks.NextSize(std::nullopt), 100);
}

TEST(ChunkPolicyTest, LongItemsStaySingle) {
  ChunkPolicy chunks(2);
  chunks.Record(1, absl::Seconds(10));
  EXPECT_EQ(chunks.NextSize(std::nullopt), 1);
}

TEST(ChunkPolicyTest, ItemsThatBecomeLongerMakeChunksSmaller) {
  ChunkPolicy chunks(2);
  for (int i = 0; i < 3; ++i) chunks.Record(1, absl::Microseconds(1));
  ASSERT_EQ(chunks.NextSize(std::nullopt), 1000);
  chunks.Record(1000, absl::Milliseconds(100));
  EXPECT_EQ(chunks.NextSize(std::nullopt), 10);
}

TEST(ChunkPolicyTest, NoTimeIsNoReasonForHugeChunks) {
  ChunkPolicy chunks(2);
  for (int i = 0; i < 20; ++i) chunks.Record(1000, absl::ZeroDuration());
  EXPECT_EQ(chunks.NextSize(std::nullopt), 1000000);
}

TEST(ChunkPolicyTest, TheLastChunksAreShared) {
  ChunkPolicy chunks(2);
  for (int i = 0; i < 3; ++i) chunks.Record(1, absl::Microseconds(1));
  EXPECT_EQ(chunks.NextSize(100000), 1000);
  EXPECT_EQ(chunks.NextSize(400), 101);
  EXPECT_EQ(chunks.NextSize(1), 1);
}

}  // namespace
}  // namespace multiproc
