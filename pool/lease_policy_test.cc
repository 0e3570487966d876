#include "multiproc/pool/lease_policy.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace multiproc {
namespace {

LeasePolicy PolicyAfter(absl::Duration run_time) {
  LeasePolicy policy(0);
  for (int i = 0; i < 1000; ++i) {
    policy.Record(absl::ToInt64Nanoseconds(run_time));
  }
  return policy;
}

TEST(LeasePolicyTest, OneUntilSomethingIsKnown) {
  const LeasePolicy policy(0);
  EXPECT_EQ(policy.max_leases(), 1);
  EXPECT_EQ(policy.refill_at(), 0);
  EXPECT_EQ(policy.mean_run_time(), absl::ZeroDuration());
}

TEST(LeasePolicyTest, AsManyAsFillTheWindow) {
  EXPECT_EQ(PolicyAfter(absl::Microseconds(10)).max_leases(), 401);
  EXPECT_EQ(PolicyAfter(absl::Microseconds(100)).max_leases(), 41);
  EXPECT_EQ(PolicyAfter(absl::Milliseconds(1)).max_leases(), 5);
  EXPECT_EQ(PolicyAfter(absl::Milliseconds(5)).max_leases(), 1);
  EXPECT_EQ(PolicyAfter(absl::Hours(1)).max_leases(), 1);
}

TEST(LeasePolicyTest, NoMoreThanTheMost) {
  EXPECT_EQ(PolicyAfter(absl::Nanoseconds(1)).max_leases(), LeasePolicy::kMost);
  EXPECT_EQ(PolicyAfter(absl::ZeroDuration()).max_leases(), LeasePolicy::kMost);
}

TEST(LeasePolicyTest, AFixedNumberIsKept) {
  LeasePolicy policy(7);
  EXPECT_EQ(policy.max_leases(), 7);
  policy.Record(absl::ToInt64Nanoseconds(absl::Hours(1)));
  EXPECT_EQ(policy.max_leases(), 7);
  EXPECT_EQ(policy.refill_at(), 3);
}

TEST(LeasePolicyTest, OneLongTaskAmongManyShortEndsNothing) {
  LeasePolicy policy = PolicyAfter(absl::Microseconds(1));
  policy.Record(absl::ToInt64Nanoseconds(absl::Milliseconds(2)));
  EXPECT_GT(policy.max_leases(), 20);
}

TEST(LeasePolicyTest, PatienceGrowsWithTheTasks) {
  EXPECT_EQ(LeasePolicy(0).patience(), absl::Milliseconds(1));
  EXPECT_EQ(PolicyAfter(absl::Microseconds(10)).patience(),
            absl::Milliseconds(1));
  EXPECT_EQ(PolicyAfter(absl::Milliseconds(1)).patience(),
            absl::Milliseconds(4));
}

}  // namespace
}  // namespace multiproc
