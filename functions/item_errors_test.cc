#include "multiproc/functions/item_errors.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "multiproc/functions/codec.h"

namespace multiproc {
namespace {

TEST(ItemErrorsTest, ResultsAndErrorsSurvive) {
  absl::Status with_payload = absl::AbortedError("two");
  with_payload.SetPayload("test/payload", absl::Cord("payload"));
  std::string bytes = "results";
  AppendItemErrors({{1, absl::NotFoundError("one")}, {300, with_payload}},
                   &bytes);
  absl::string_view rest = bytes;
  std::vector<ItemError> errors;
  ASSERT_TRUE(TakeItemErrors(&rest, &errors));
  EXPECT_EQ(rest, "results");
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].index, 1u);
  EXPECT_EQ(errors[0].status, absl::NotFoundError("one"));
  EXPECT_EQ(errors[1].index, 300u);
  EXPECT_EQ(errors[1].status, with_payload);
}

TEST(ItemErrorsTest, ARowWithoutErrorsCostsFourBytes) {
  std::string bytes = "results";
  AppendItemErrors({}, &bytes);
  EXPECT_EQ(bytes.size(), 11u);
  absl::string_view rest = bytes;
  std::vector<ItemError> errors(1);
  ASSERT_TRUE(TakeItemErrors(&rest, &errors));
  EXPECT_EQ(rest, "results");
  EXPECT_TRUE(errors.empty());
}

TEST(ItemErrorsTest, MalformedBytesAreRefused) {
  const auto taken = [](absl::string_view bytes) {
    std::vector<ItemError> errors;
    return TakeItemErrors(&bytes, &errors);
  };
  std::string good;
  AppendItemErrors({{1, absl::NotFoundError("one")}}, &good);
  EXPECT_TRUE(taken(good));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(taken(absl::string_view(good).substr(0, size))) << size;
  }
  // Longer than what is there.
  EXPECT_FALSE(taken(absl::string_view("\1\2\5\0\0\0", 6)));
  // Two errors of one call.
  std::string twice;
  AppendItemErrors(
      {{1, absl::NotFoundError("one")}, {1, absl::NotFoundError("one")}},
      &twice);
  EXPECT_FALSE(taken(twice));
}

}  // namespace
}  // namespace multiproc
