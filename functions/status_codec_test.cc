#include "multiproc/functions/status_codec.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "gtest/gtest.h"
#include "multiproc/functions/codec.h"

namespace multiproc {
namespace {

using Outcomes = std::vector<absl::StatusOr<std::string>>;

TEST(StatusCodecTest, ValuesAndErrorsSurvive) {
  absl::Status error = absl::NotFoundError("no such file");
  error.SetPayload("test/payload", absl::Cord("payload"));
  const Outcomes outcomes = {"one", error, ""};
  std::string bytes;
  ASSERT_TRUE(EncodeValues(&bytes, outcomes).ok());
  Outcomes decoded = {"stale"};
  ASSERT_TRUE(DecodeValues(bytes, &decoded));
  EXPECT_EQ(decoded, outcomes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(
        DecodeValues(absl::string_view(bytes).substr(0, size), &decoded))
        << size;
  }
}

TEST(StatusCodecTest, StatusesSurvive) {
  const std::vector<absl::Status> statuses = {absl::OkStatus(),
                                              absl::AbortedError("over")};
  std::string bytes;
  ASSERT_TRUE(EncodeValues(&bytes, statuses).ok());
  std::vector<absl::Status> decoded;
  ASSERT_TRUE(DecodeValues(bytes, &decoded));
  EXPECT_EQ(decoded, statuses);
}

TEST(StatusCodecTest, TypesHaveNames) {
  EXPECT_EQ(Codec<absl::Status>::TypeName(), "status");
  EXPECT_EQ(Codec<absl::StatusOr<bool>>::TypeName(), "status_or<bool>");
}

}  // namespace
}  // namespace multiproc
