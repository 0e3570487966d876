#include "multiproc/pool/output_relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "multiproc/pool/worker_output.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;

// The callback thread is this one, when the test says so.
class OutputRelayTest : public testing::Test {
 protected:
  static std::vector<WorkerOutput> Lines(
      const std::vector<std::string>& texts) {
    std::vector<WorkerOutput> lines(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) lines[i].line = texts[i];
    return lines;
  }
  static std::vector<WorkerOutput> Great(size_t size) {
    return Lines({std::string(size, 'x')});
  }

  void RunNext() {
    const std::function<void()> next = std::move(posted_.front());
    posted_.pop_front();
    next();
  }

  std::deque<std::function<void()>> posted_;
  std::vector<std::string> had_;
  int num_wakes_ = 0;
  const std::shared_ptr<OutputRelay> relay_ = std::make_shared<OutputRelay>(
      [this](const WorkerOutput& output) { had_.push_back(output.line); },
      [this](std::function<void()> callback) {
        posted_.push_back(std::move(callback));
      },
      [this] { ++num_wakes_; });
};

TEST_F(OutputRelayTest, DeliversInOrder) {
  relay_->Deliver(Lines({"a", "b"}));
  relay_->Deliver({});
  relay_->Deliver(Lines({"c"}));
  ASSERT_EQ(posted_.size(), 2) << "nothing is not worth a callback";
  RunNext();
  EXPECT_THAT(had_, ElementsAre("a", "b"));
  RunNext();
  EXPECT_THAT(had_, ElementsAre("a", "b", "c"));
  EXPECT_EQ(num_wakes_, 0);
}

TEST_F(OutputRelayTest, IsFullUntilHalfIsDelivered) {
  relay_->Deliver(Great(OutputRelay::kFullBytes / 4));
  relay_->Deliver(Great(OutputRelay::kFullBytes / 2));
  EXPECT_FALSE(relay_->IsFull());
  relay_->Deliver(Great(OutputRelay::kFullBytes / 4));
  EXPECT_TRUE(relay_->IsFull());
  RunNext();
  EXPECT_TRUE(relay_->IsFull());
  EXPECT_EQ(num_wakes_, 0);
  RunNext();
  EXPECT_FALSE(relay_->IsFull());
  EXPECT_EQ(num_wakes_, 1);
  RunNext();
  EXPECT_EQ(num_wakes_, 1);
}

TEST_F(OutputRelayTest, EmptyLinesCountToo) {
  relay_->Deliver(std::vector<WorkerOutput>(OutputRelay::kFullBytes / 50));
  EXPECT_TRUE(relay_->IsFull());
}

TEST_F(OutputRelayTest, DropsWhatIsTooMuch) {
  relay_->Deliver(Great(OutputRelay::kMostBytes - 1));
  EXPECT_EQ(posted_.size(), 1);
  relay_->Deliver(Lines({"dropped"}));
  EXPECT_EQ(posted_.size(), 1);
  RunNext();
  relay_->Deliver(Lines({"kept"}));
  RunNext();
  EXPECT_EQ(had_.back(), "kept");
}

}  // namespace
}  // namespace multiproc
