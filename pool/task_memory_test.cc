#include "multiproc/pool/task_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/config.h"

namespace multiproc {
namespace {

constexpr size_t kBlock = 200;

// Writes all of each, so that blocks that overlap are seen.
std::vector<char*> AllocateMany(TaskMemory* memory, int count) {
  std::vector<char*> blocks;
  for (int i = 0; i < count; ++i) {
    blocks.push_back(static_cast<char*>(memory->Allocate(kBlock)));
    std::memset(blocks.back(), i % 251, kBlock);
  }
  return blocks;
}

bool HoldsWhatWasWritten(const std::vector<char*>& blocks) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    const std::vector<char> expected(kBlock, static_cast<char>(i % 251));
    if (std::memcmp(blocks[i], expected.data(), kBlock) != 0) return false;
  }
  return true;
}

TEST(TaskMemoryTest, BlocksDoNotOverlapAndAreAligned) {
  const TaskMemory::Ptr memory = TaskMemory::Create();
  const std::vector<char*> blocks = AllocateMany(memory.get(), 50'000);
  EXPECT_TRUE(HoldsWhatWasWritten(blocks));
  for (char* block : blocks) {
    ASSERT_EQ(
        reinterpret_cast<uintptr_t>(block) % __STDCPP_DEFAULT_NEW_ALIGNMENT__,
        0u);
    memory->Free(block);
  }
}

TEST(TaskMemoryTest, FromManyThreads) {
  const TaskMemory::Ptr memory = TaskMemory::Create();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&memory] {
      for (int round = 0; round < 20; ++round) {
        const std::vector<char*> blocks = AllocateMany(memory.get(), 500);
        EXPECT_TRUE(HoldsWhatWasWritten(blocks));
        for (char* block : blocks) memory->Free(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

struct Counted {
  explicit Counted(int* left) : left(left) { ++*left; }
  ~Counted() { --*left; }
  int* left;
};

TEST(TaskMemoryTest, ATaskMayOutliveIt) {
  int left = 0;
  TaskMemory::Ptr memory = TaskMemory::Create();
  auto first = std::allocate_shared<Counted>(
      TaskAllocator<Counted>(memory.get()), &left);
  auto second = std::allocate_shared<Counted>(
      TaskAllocator<Counted>(memory.get()), &left);
  first = nullptr;
  memory = nullptr;
  EXPECT_EQ(left, 1);
  second = nullptr;
  EXPECT_EQ(left, 0);
}

#ifndef ABSL_HAVE_ADDRESS_SANITIZER

TEST(TaskMemoryTest, AFewTakeLittle) {
  const TaskMemory::Ptr memory = TaskMemory::Create();
  EXPECT_EQ(memory->size(), 0u);
  memory->Free(memory->Allocate(kBlock));
  EXPECT_EQ(memory->size(), 16u << 10);
}

TEST(TaskMemoryTest, BlocksAreUsedAgain) {
  const TaskMemory::Ptr memory = TaskMemory::Create();
  std::set<char*> seen;
  for (int round = 0; round < 100; ++round) {
    for (char* block : AllocateMany(memory.get(), 10)) {
      seen.insert(block);
      memory->Free(block);
    }
  }
  EXPECT_LE(seen.size(), 10u);
}

TEST(TaskMemoryTest, ABurstIsReleasedAndTheRestUsedAgain) {
  const TaskMemory::Ptr memory = TaskMemory::Create();
  for (int round = 0; round < 3; ++round) {
    const std::vector<char*> blocks = AllocateMany(memory.get(), 100'000);
    EXPECT_TRUE(HoldsWhatWasWritten(blocks));
    EXPECT_GE(memory->size(), 100'000 * kBlock);
    EXPECT_LE(memory->size(), 100'000 * (kBlock + 16) + (4u << 20));
    for (char* block : blocks) memory->Free(block);
    EXPECT_LE(memory->size(), TaskMemory::kKept);
  }
}

#endif  // ABSL_HAVE_ADDRESS_SANITIZER

}  // namespace
}  // namespace multiproc
