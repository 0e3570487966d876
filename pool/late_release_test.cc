#include "multiproc/pool/late_release.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace multiproc {
namespace {

// Keeps what is posted, or runs it as a thread would that is faster than Post.
class Owner : public FutureOwner {
 public:
  void Post(std::function<void()> callback) override {
    if (after_callback == nullptr) {
      posted.push_back(std::move(callback));
      return;
    }
    callback();
    callback = nullptr;
    after_callback();
  }

  std::vector<std::function<void()>> posted;
  std::function<void()> after_callback;
};

class LateReleaseTest : public testing::Test {
 protected:
  // Two chunks, each of which counts its release.
  absl::Cord MakeCord() {
    absl::Cord cord;
    for (int i = 0; i < 2; ++i) {
      cord.Append(absl::MakeCordFromExternal(text_, [this] { ++released_; }));
    }
    return cord;
  }

  const std::string text_ = std::string(100000, 'x');
  int released_ = 0;
  std::shared_ptr<Owner> owner_ = std::make_shared<Owner>();
};

TEST_F(LateReleaseTest, IsPostedOnceNobodyHasAnyOfIt) {
  absl::Cord wrapped = ReleaseAsCallback(MakeCord(), owner_);
  EXPECT_EQ(wrapped, text_ + text_);
  EXPECT_EQ(wrapped.chunk_begin()->data(), text_.data()) << "it is no copy";
  absl::Cord part = wrapped.Subcord(150000, 1000);
  wrapped.Clear();
  EXPECT_TRUE(owner_->posted.empty()) << "some of it is there";
  EXPECT_EQ(part, std::string(1000, 'x'));
  part.Clear();
  ASSERT_EQ(owner_->posted.size(), 1);
  EXPECT_EQ(released_, 0);
  owner_->posted[0]();
  owner_->posted.clear();
  EXPECT_EQ(released_, 2);
}

// Who held the last of it may hold a lock.
TEST_F(LateReleaseTest, IsReleasedByTheCallbackAlone) {
  int released_by_callback = 0;
  owner_->after_callback = [&] { released_by_callback = released_; };
  ReleaseAsCallback(MakeCord(), owner_).Clear();
  EXPECT_EQ(released_by_callback, 2);
}

TEST_F(LateReleaseTest, WithoutAnOwnerItIsReleasedAtOnce) {
  absl::Cord wrapped = ReleaseAsCallback(MakeCord(), owner_);
  owner_ = nullptr;
  EXPECT_EQ(wrapped, text_ + text_);
  EXPECT_EQ(released_, 0);
  wrapped.Clear();
  EXPECT_EQ(released_, 2);
}

}  // namespace
}  // namespace multiproc
