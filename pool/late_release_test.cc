#include "multiproc/pool/late_release.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace multiproc {
namespace {

// Two chunks, each of which counts its release.
absl::Cord MakeCord(const std::string& text, int* released) {
  absl::Cord cord;
  for (int i = 0; i < 2; ++i) {
    cord.Append(absl::MakeCordFromExternal(text, [=] { ++*released; }));
  }
  return cord;
}

TEST(LateReleaseTest, NothingIsReleasedBeforeItIsTaken) {
  const std::string text(100000, 'x');
  int released = 0;
  LateRelease late_release;
  absl::Cord wrapped = late_release.Wrap(MakeCord(text, &released));
  EXPECT_EQ(wrapped, text + text);
  EXPECT_EQ(wrapped.chunk_begin()->data(), text.data()) << "it is no copy";
  absl::Cord part = wrapped.Subcord(150000, 1000);
  wrapped.Clear();
  EXPECT_TRUE(late_release.Take().empty()) << "some of it is there";
  EXPECT_EQ(part, std::string(1000, 'x'));
  part.Clear();
  std::vector<absl::Cord> taken = late_release.Take();
  EXPECT_EQ(taken.size(), 1);
  EXPECT_EQ(released, 0);
  taken.clear();
  EXPECT_EQ(released, 2);
  EXPECT_TRUE(late_release.Take().empty());
}

TEST(LateReleaseTest, WhatIsReleasedMayTakeMore) {
  const std::string text(100000, 'x');
  int released = 0;
  LateRelease late_release;
  absl::Cord inner = late_release.Wrap(MakeCord(text, &released));
  late_release.Wrap(absl::MakeCordFromExternal(text, [&] {
    inner.Clear();
    EXPECT_EQ(late_release.Take().size(), 1);
  }));
  EXPECT_EQ(late_release.Take().size(), 1);
  EXPECT_EQ(released, 2);
}

TEST(LateReleaseTest, WhatNobodyTakesIsReleasedAtTheEnd) {
  const std::string text(100000, 'x');
  int released = 0;
  auto late_release = std::make_unique<LateRelease>();
  absl::Cord first = late_release->Wrap(MakeCord(text, &released));
  absl::Cord second = late_release->Wrap(MakeCord(text, &released));
  first.Clear();
  EXPECT_EQ(released, 0);
  late_release = nullptr;
  EXPECT_EQ(second, text + text);
  second.Clear();
  EXPECT_EQ(released, 4);
}

}  // namespace
}  // namespace multiproc
