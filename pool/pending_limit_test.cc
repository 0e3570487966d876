#include "multiproc/pool/pending_limit.h"

#include <thread>  // NOLINT(build/c++11)

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace multiproc {
namespace {

TEST(PendingLimitTest, CountsTasks) {
  PendingLimit limit(2, 0);
  EXPECT_TRUE(limit.TryAdd(1000));
  EXPECT_TRUE(limit.TryAdd(1000));
  EXPECT_FALSE(limit.TryAdd(0));
  limit.Remove(1000);
  EXPECT_TRUE(limit.TryAdd(0));
  EXPECT_FALSE(limit.TryAdd(0));
}

TEST(PendingLimitTest, CountsBytes) {
  PendingLimit limit(0, 100);
  EXPECT_TRUE(limit.TryAdd(60));
  EXPECT_FALSE(limit.TryAdd(41));
  EXPECT_TRUE(limit.TryAdd(40));
  EXPECT_TRUE(limit.TryAdd(0));
  limit.Remove(60);
  EXPECT_FALSE(limit.TryAdd(61));
  EXPECT_TRUE(limit.TryAdd(60));
}

TEST(PendingLimitTest, WhatIsOverTheLimitIsLetInAlone) {
  PendingLimit limit(0, 100);
  EXPECT_TRUE(limit.TryAdd(1000));
  EXPECT_FALSE(limit.TryAdd(1));
  limit.Remove(1000);
  EXPECT_TRUE(limit.TryAdd(1));
  EXPECT_FALSE(limit.TryAdd(1000));
}

TEST(PendingLimitTest, AddGoesBeyondTheLimit) {
  PendingLimit limit(1, 0);
  limit.Add(0);
  limit.Add(0);
  limit.Remove(0);
  EXPECT_FALSE(limit.TryAdd(0));
}

TEST(PendingLimitTest, RemoveWakesOneWhoWaits) {
  PendingLimit limit(1, 0);
  limit.Add(0);
  absl::Notification is_in;
  std::thread other([&] {
    limit.AddWhenRoom(0);
    is_in.Notify();
  });
  // It must not come, and is given a moment to.
  EXPECT_FALSE(is_in.WaitForNotificationWithTimeout(absl::Milliseconds(20)));
  limit.Remove(0);
  is_in.WaitForNotification();
  other.join();
  EXPECT_FALSE(limit.TryAdd(0));
}

TEST(PendingLimitTest, AGreatOneThatWaitsIsNotOvertaken) {
  PendingLimit limit(0, 100);
  limit.Add(50);
  std::thread great([&] { limit.AddWhenRoom(80); });
  // As soon as it waits no small one gets in.
  while (limit.TryAdd(1)) {
    limit.Remove(1);
    std::this_thread::yield();
  }
  EXPECT_FALSE(limit.TryAdd(1));
  limit.Remove(50);
  great.join();
  EXPECT_TRUE(limit.TryAdd(20));
  EXPECT_FALSE(limit.TryAdd(1));
}

TEST(PendingLimitTest, OpenLetsEverybodyIn) {
  PendingLimit limit(1, 0);
  limit.Add(0);
  std::thread other([&] { limit.AddWhenRoom(0); });
  limit.Open();
  other.join();
  EXPECT_TRUE(limit.TryAdd(0));
}

}  // namespace
}  // namespace multiproc
