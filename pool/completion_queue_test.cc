#include "multiproc/pool/completion_queue.h"

#include <memory>
#include <optional>
#include <thread>  // NOLINT(build/c++11)
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multiproc/pool/derived_state.h"
#include "multiproc/pool/future_state.h"

namespace multiproc {
namespace {

using States = std::vector<std::shared_ptr<FutureState>>;

States NewStates(size_t count) {
  States states;
  for (size_t i = 0; i < count; ++i)
    states.push_back(MakeDerivedState(nullptr));
  return states;
}

void Finish(const std::shared_ptr<FutureState>& state) {
  FutureState::Fulfil(state, absl::OkStatus(), "");
}

TEST(CompletionQueueTest, GivesWhatIsDoneInThatOrder) {
  const States states = NewStates(4);
  CompletionQueue queue;
  EXPECT_EQ(queue.Next(absl::InfiniteDuration()), std::nullopt);
  Finish(states[3]);
  for (size_t i = 0; i < 4; ++i) queue.Add(states[i], 10 + i);
  EXPECT_EQ(queue.size(), 4u);
  EXPECT_EQ(queue.Next(absl::InfiniteDuration()), 13u);
  Finish(states[2]);
  Finish(states[0]);
  EXPECT_EQ(queue.Next(absl::ZeroDuration()), 12u);
  EXPECT_EQ(queue.Next(absl::InfiniteDuration()), 10u);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.Next(absl::Milliseconds(1)), std::nullopt);
  EXPECT_EQ(queue.Next(-absl::InfiniteDuration()), std::nullopt);
  EXPECT_EQ(queue.size(), 1u);
}

TEST(CompletionQueueTest, WaitsForAnotherThread) {
  const States states = NewStates(100);
  CompletionQueue queue;
  for (size_t i = 0; i < 100; ++i) queue.Add(states[i], i);
  std::thread other([&] {
    for (const auto& state : states) Finish(state);
  });
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(queue.Next(absl::InfiniteDuration()), i);
  }
  other.join();
}

TEST(CompletionQueueTest, ForgetsTheRestAtItsEnd) {
  const States states = NewStates(2);
  CompletionQueue stays;
  stays.Add(states[1], 5);
  {
    CompletionQueue queue;
    queue.Add(states[0], 0);
    queue.Add(states[1], 1);
    queue.Add(states[1], 2);
  }
  Finish(states[0]);
  Finish(states[1]);
  EXPECT_EQ(stays.Next(absl::InfiniteDuration()), 5u);
}

// While the other thread tells it.
TEST(CompletionQueueTest, MayEndAtAnyTime) {
  for (int round = 0; round < 200; ++round) {
    const States states = NewStates(10);
    std::thread other;
    {
      CompletionQueue queue;
      for (size_t i = 0; i < 10; ++i) queue.Add(states[i], i);
      other = std::thread([&] {
        for (const auto& state : states) Finish(state);
      });
      EXPECT_EQ(queue.Next(absl::InfiniteDuration()), 0u);
    }
    other.join();
  }
}

}  // namespace
}  // namespace multiproc
