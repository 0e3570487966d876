#include "multiproc/functions/kept_by_process.h"

#include <cstdlib>
#include <cstring>

#include "gtest/gtest.h"

namespace multiproc {
namespace {

constexpr size_t kSize = size_t{8} << 20;

char* Allocate(size_t size) {
  char* const memory = static_cast<char*>(std::malloc(size));
  if (memory != nullptr) std::memset(memory, 'x', size);
  return memory;
}

// Skips the test where nothing is ever kept.
#define MULTIPROC_KEEP(memory, size)                        \
  do {                                                      \
    if (!KeepByProcess(memory, size)) {                     \
      std::free(memory);                                    \
      GTEST_SKIP() << "no system that can take pages back"; \
    }                                                       \
  } while (false)

class KeptByProcessTest : public testing::Test {
 protected:
  ~KeptByProcessTest() override { FreeKeptByProcess(); }
};

TEST_F(KeptByProcessTest, ThereIsNothingAtFirst) {
  size_t size = kSize;
  EXPECT_EQ(TakeKeptByProcess(&size), nullptr);
  EXPECT_EQ(size, kSize);
}

TEST_F(KeptByProcessTest, WhatWasKeptIsTakenOnce) {
  char* const memory = Allocate(kSize);
  MULTIPROC_KEEP(memory, kSize);
  size_t size = kSize / 2;
  char* const taken = TakeKeptByProcess(&size);
  EXPECT_EQ(taken, memory);
  EXPECT_EQ(size, kSize) << "all of it";
  std::memset(taken, 'y', size);
  EXPECT_EQ(TakeKeptByProcess(&size), nullptr);
  std::free(taken);
}

TEST_F(KeptByProcessTest, WhatIsTooSmallOrFarTooGreatIsFreed) {
  for (const size_t wanted : {kSize + 1, kSize / 2 - 1}) {
    MULTIPROC_KEEP(Allocate(kSize), kSize);
    size_t size = wanted;
    EXPECT_EQ(TakeKeptByProcess(&size), nullptr) << wanted;
    EXPECT_EQ(size, wanted);
    size = kSize;
    EXPECT_EQ(TakeKeptByProcess(&size), nullptr) << "it is there no more";
  }
}

TEST_F(KeptByProcessTest, TheLastIsKept) {
  char* const first = Allocate(kSize);
  MULTIPROC_KEEP(first, kSize);
  char* const last = Allocate(2 * kSize);
  ASSERT_TRUE(KeepByProcess(last, 2 * kSize));
  size_t size = kSize;
  char* const taken = TakeKeptByProcess(&size);
  EXPECT_EQ(taken, last);
  EXPECT_EQ(size, 2 * kSize);
  std::free(taken);
}

TEST_F(KeptByProcessTest, ItCanBeFreed) {
  MULTIPROC_KEEP(Allocate(kSize), kSize);
  FreeKeptByProcess();
  size_t size = kSize;
  EXPECT_EQ(TakeKeptByProcess(&size), nullptr);
}

TEST_F(KeptByProcessTest, WhatIsGreaterIsTheCallersStill) {
  constexpr size_t kGreater = kLargestKeptByProcess + 1;
  char* const memory = static_cast<char*>(std::malloc(kGreater));
  ASSERT_NE(memory, nullptr);
  EXPECT_FALSE(KeepByProcess(memory, kGreater));
  std::free(memory);
}

}  // namespace
}  // namespace multiproc
