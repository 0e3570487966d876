#include "multiproc/functions/kept_by_process.h"

#include <cstdlib>
#include <cstring>

#include "gtest/gtest.h"

#ifdef __linux__
#include <sys/resource.h>
#endif

namespace multiproc {
namespace {

constexpr size_t kSize = size_t{8} << 20;

char* Allocate(size_t size) {
  char* const memory = static_cast<char*>(std::malloc(size));
  if (memory != nullptr) std::memset(memory, 'x', size);
  return memory;
}

// Whether it was kept: nowhere but on Linux.
bool Keep(char* memory, size_t size) {
  if (KeepByProcess(memory, size)) return true;
  std::free(memory);
  return false;
}

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
  if (!Keep(memory, kSize)) GTEST_SKIP() << "nothing is kept here";
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
    if (!Keep(Allocate(kSize), kSize)) GTEST_SKIP() << "nothing is kept here";
    size_t size = wanted;
    EXPECT_EQ(TakeKeptByProcess(&size), nullptr) << wanted;
    EXPECT_EQ(size, wanted);
    size = kSize;
    EXPECT_EQ(TakeKeptByProcess(&size), nullptr) << "it is there no more";
  }
}

TEST_F(KeptByProcessTest, TheLastIsKept) {
  char* const first = Allocate(kSize);
  if (!Keep(first, kSize)) GTEST_SKIP() << "nothing is kept here";
  char* const last = Allocate(2 * kSize);
  ASSERT_TRUE(KeepByProcess(last, 2 * kSize));
  size_t size = kSize;
  char* const taken = TakeKeptByProcess(&size);
  EXPECT_EQ(taken, last);
  EXPECT_EQ(size, 2 * kSize);
  std::free(taken);
}

TEST_F(KeptByProcessTest, ItCanBeFreed) {
  if (!Keep(Allocate(kSize), kSize)) GTEST_SKIP() << "nothing is kept here";
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

#ifdef __linux__
// In a process of its own: it is for good.
TEST(KeptByProcessDeathTest, NothingIsKeptWhereMemoryIsLimited) {
  const auto try_to_keep = [](bool limited) {
    if (limited) KeepNothingByProcess();
    std::_Exit(Keep(Allocate(kSize), kSize) ? 1 : 0);
  };
  EXPECT_EXIT(try_to_keep(false), testing::ExitedWithCode(1), "");
  EXPECT_EXIT(try_to_keep(true), testing::ExitedWithCode(0), "");
}

TEST(KeptByProcessDeathTest, NothingIsKeptWhereAddressesAreLimited) {
  const auto try_to_keep = [] {
    char* const memory = Allocate(kSize);
    struct rlimit limit = {};
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = rlim_t{1} << 46;
    setrlimit(RLIMIT_AS, &limit);
    std::_Exit(Keep(memory, kSize) ? 1 : 0);
  };
  EXPECT_EXIT(try_to_keep(), testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace multiproc
