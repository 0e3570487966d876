#include "multiproc/executors/shared_memory.h"

#include <gtest/gtest.h>

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
#include <errno.h>
#include <unistd.h>
#endif

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {
namespace {

constexpr size_t kSize = 8192;

TEST(SharedMemoryTest, IsZeroAtFirstAndMoves) {
  absl::StatusOr<SharedMemory> made = SharedMemory::Create(kSize);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(std::string(made->data(), kSize), std::string(kSize, '\0'));
  made->data()[kSize - 1] = 'x';
  SharedMemory moved = *std::move(made);
  moved.CloseHandle();
  EXPECT_EQ(moved.handle(), kInvalidFileHandle);
  EXPECT_EQ(moved.data()[kSize - 1], 'x');
}

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
// Whoever has mapped it would die of SIGBUS.
TEST(SharedMemoryTest, NobodyCanCutItShort) {
  absl::StatusOr<SharedMemory> memory = SharedMemory::Create(kSize);
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_EQ(ftruncate(memory->handle(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(memory->handle(), 2 * kSize), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(memory->data()[kSize - 1], '\0');
}
#endif

}  // namespace
}  // namespace multiproc
