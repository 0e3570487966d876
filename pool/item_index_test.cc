#include "multiproc/pool/item_index.h"

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace multiproc {
namespace {

TEST(ItemIndexTest, TheLastOneSetIsFound) {
  absl::Status status = absl::AbortedError("over");
  EXPECT_EQ(GetItemIndex(status), std::nullopt);
  SetItemIndex(7, &status);
  EXPECT_EQ(GetItemIndex(status), 7u);
  SetItemIndex(~uint64_t{0}, &status);
  EXPECT_EQ(GetItemIndex(status), ~uint64_t{0});
  EXPECT_EQ(status.message(), "over");
}

TEST(ItemIndexTest, NothingElseIsAnIndex) {
  EXPECT_EQ(GetItemIndex(absl::OkStatus()), std::nullopt);
  absl::Status status = absl::AbortedError("over");
  status.SetPayload("multiproc/item_index", absl::Cord("many"));
  EXPECT_EQ(GetItemIndex(status), std::nullopt);
}

}  // namespace
}  // namespace multiproc
