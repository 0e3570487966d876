#include "multiproc/pool/task_gate.h"

#include <atomic>
#include <cstdint>
#include <thread>  // NOLINT(build/c++11)

#include "gtest/gtest.h"

namespace multiproc {
namespace {

class TaskGateTest : public testing::Test {
 protected:
  std::atomic<uint64_t> word_{0};
  TaskGate parent_{&word_};
  TaskGate worker_{&word_};
};

TEST_F(TaskGateTest, CountsWhatIsBegun) {
  EXPECT_EQ(parent_.begun(), 0);
  EXPECT_TRUE(worker_.TryBegin());
  EXPECT_TRUE(worker_.TryBegin());
  EXPECT_EQ(parent_.begun(), 2);
}

TEST_F(TaskGateTest, NothingBeginsAtAClosedGate) {
  EXPECT_TRUE(worker_.TryBegin());
  EXPECT_EQ(parent_.Close(), 1);
  EXPECT_FALSE(worker_.TryBegin());
  EXPECT_EQ(parent_.begun(), 1);
  worker_.Reopen();
  EXPECT_TRUE(worker_.TryBegin());
  EXPECT_EQ(parent_.begun(), 2);
}

TEST_F(TaskGateTest, EachCloseNeedsItsOwnReopen) {
  parent_.Close();
  parent_.Close();
  worker_.Reopen();
  EXPECT_FALSE(worker_.TryBegin());
  worker_.Reopen();
  EXPECT_TRUE(worker_.TryBegin());
}

TEST_F(TaskGateTest, CountsWrapAroundApart) {
  word_ = 0xffffffff'ffffffff;
  for (uint64_t i = 0; i < 0xffffffff; i += 0x10000000) worker_.Reopen();
  // 2^32 - 1 closes, and as many begun: the next of each is number zero.
  EXPECT_EQ(parent_.Close(), 0xffffffff);
  EXPECT_EQ(word_, 0x00000000'ffffffff);
  TaskGate worker(&word_);
  EXPECT_TRUE(worker.TryBegin());
  EXPECT_EQ(parent_.begun(), 0);
  EXPECT_EQ(word_, 0) << "no carry into the closes";
}

// Whatever the worker begins is in what Close returns, or comes after a Reopen.
TEST_F(TaskGateTest, NoTaskIsBothTakenBackAndBegun) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<uint64_t> word{0};
    TaskGate parent(&word);
    uint32_t begun = 0;
    std::thread worker([&word, &begun] {
      TaskGate gate(&word);
      while (begun < 1000 && gate.TryBegin()) ++begun;
    });
    const uint32_t known = parent.Close();
    worker.join();
    EXPECT_EQ(known, begun);
  }
}

}  // namespace
}  // namespace multiproc
