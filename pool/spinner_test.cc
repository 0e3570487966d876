#include "multiproc/pool/spinner.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace multiproc {
namespace {

constexpr absl::Duration kTime = absl::Microseconds(50);

TEST(SpinnerTest, ZeroIsNever) {
  Spinner spinner(absl::ZeroDuration());
  EXPECT_EQ(spinner.NextTime(), absl::ZeroDuration());
}

TEST(SpinnerTest, GoesOnAsLongAsItSucceeds) {
  Spinner spinner(kTime);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(spinner.NextTime(), kTime);
    spinner.Record(true);
  }
}

TEST(SpinnerTest, PausesAfterAFailureWithoutCredit) {
  Spinner spinner(kTime);
  spinner.Record(false);
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(spinner.NextTime(), absl::ZeroDuration());
  }
  EXPECT_EQ(spinner.NextTime(), kTime) << "and tries again";
}

TEST(SpinnerTest, ForgivesAFewFailures) {
  Spinner spinner(kTime);
  for (int i = 0; i < 100; ++i) spinner.Record(true);
  for (int i = 0; i < 4; ++i) {
    spinner.Record(false);
    EXPECT_EQ(spinner.NextTime(), kTime);
  }
  spinner.Record(false);
  EXPECT_EQ(spinner.NextTime(), absl::ZeroDuration());
}

}  // namespace
}  // namespace multiproc
