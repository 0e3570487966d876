#include "multiproc/pool/resident_memory.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>

#include "multiproc/executors/current_process.h"

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

TEST(ResidentMemory, OfAProcessIsTheSame) {
  const std::optional<uint64_t> own = ResidentBytes();
  if (!own.has_value()) GTEST_SKIP() << "this system does not tell";
  const std::optional<uint64_t> by_pid = ResidentBytes(CurrentPid());
  ASSERT_TRUE(by_pid.has_value());
  EXPECT_GE(*by_pid, *own / 2);
  EXPECT_LE(*by_pid, *own * 2);
  EXPECT_EQ(ResidentBytes(int64_t{0x7ffffffc}), std::nullopt);
}

}  // namespace
}  // namespace multiproc
