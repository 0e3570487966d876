#include "multiproc/pool/resident_memory.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>

namespace multiproc {
namespace {

TEST(ResidentMemory, GrowsWithWhatIsUsed) {
  const std::optional<uint64_t> before = ResidentBytes();
  if (!before.has_value()) GTEST_SKIP() << "this system does not tell";
  EXPECT_GT(*before, 100'000);
  constexpr size_t kGreat = size_t{64} << 20;
  const std::string great(kGreat, 'x');
  const std::optional<uint64_t> after = ResidentBytes();
  ASSERT_TRUE(after.has_value());
  EXPECT_GE(*after, *before + great.size() / 2);
}

}  // namespace
}  // namespace multiproc
