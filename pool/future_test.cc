#include "multiproc/pool/future.h"

#include <memory>
#include <string>
#include <thread>  // NOLINT(build/c++11)
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/functions/codec.h"
#include "multiproc/pool/callback_thread.h"
#include "multiproc/pool/future_state.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
std::string Packed(const T& value) {
  std::string bytes;
  EXPECT_TRUE(EncodeValues(&bytes, value).ok());
  return bytes;
}

// Plays the pool: makes futures, and fulfils them.
class FutureTest : public ::testing::Test {
 protected:
  ~FutureTest() override { callbacks_->Shutdown(); }

  std::shared_ptr<FutureState> NewState() {
    return std::make_shared<FutureState>(callbacks_);
  }

  const std::shared_ptr<CallbackThread> callbacks_ =
      std::make_shared<CallbackThread>();
  const std::shared_ptr<FutureState> state_ = NewState();
};

TEST_F(FutureTest, GetReturnsTheValueAnyNumberOfTimes) {
  const Future<std::string> future(state_);
  EXPECT_FALSE(future.Ready());
  FutureState::Fulfil(state_, absl::OkStatus(), Packed(std::string("value")));
  EXPECT_TRUE(future.Ready());
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<std::string> value = future.Get();
    ASSERT_TRUE(value.ok()) << value.status();
    EXPECT_EQ(*value, "value");
  }
}

TEST_F(FutureTest, GetReturnsTheErrorWithItsPayload) {
  absl::Status error = absl::NotFoundError("no such file");
  error.SetPayload("example.com/path", absl::Cord("/nothing"));
  const Future<int> future(state_);
  FutureState::Fulfil(state_, error, "");
  EXPECT_EQ(future.Get().status(), error);
  EXPECT_EQ(future.Get().status(), error);
}

TEST_F(FutureTest, VoidFutureGivesAStatus) {
  const Future<void> future(state_);
  FutureState::Fulfil(state_, absl::OkStatus(), "");
  EXPECT_TRUE(future.Get().ok());

  const std::shared_ptr<FutureState> failed = NewState();
  FutureState::Fulfil(failed, absl::UnavailableError("its worker died"), "");
  EXPECT_EQ(Future<void>(failed).Get(),
            absl::UnavailableError("its worker died"));
}

TEST_F(FutureTest, GetWaitsForAnotherThread) {
  const Future<int> future(state_);
  absl::StatusOr<int> value;
  std::thread waiting([&] { value = future.Get(); });
  FutureState::Fulfil(state_, absl::OkStatus(), Packed(7));
  waiting.join();
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value, 7);
}

TEST_F(FutureTest, CopiesShareTheOutcome) {
  const Future<int> future(state_);
  const Future<int> before = future;
  FutureState::Fulfil(state_, absl::OkStatus(), Packed(7));
  const Future<int> after = future;
  for (const Future<int>& copy : {future, before, after}) {
    EXPECT_TRUE(copy.Ready());
    EXPECT_EQ(*copy.Get(), 7);
  }
}

TEST_F(FutureTest, MovedFromFutureBelongsToNoTask) {
  Future<int> future(state_);
  const Future<int> moved = std::move(future);
  FutureState::Fulfil(state_, absl::OkStatus(), Packed(7));
  EXPECT_EQ(*moved.Get(), 7);
  const absl::Status status =
      future.Get().status();  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("moved from"));
}

TEST_F(FutureTest, WaitWithTimeoutTellsWhetherItIsReady) {
  const Future<int> future(state_);
  EXPECT_FALSE(future.WaitWithTimeout(absl::Milliseconds(1)));
  EXPECT_FALSE(future.WaitWithTimeout(absl::ZeroDuration()));
  EXPECT_FALSE(future.WaitWithTimeout(-absl::InfiniteDuration()));
  FutureState::Fulfil(state_, absl::OkStatus(), Packed(7));
  EXPECT_TRUE(future.WaitWithTimeout(absl::ZeroDuration()));
  EXPECT_TRUE(future.WaitWithTimeout(-absl::InfiniteDuration()));
  EXPECT_TRUE(future.WaitWithTimeout(absl::InfiniteDuration()));
  future.Wait();
}

TEST_F(FutureTest, ResultOfOtherTypesIsDataLoss) {
  const Future<bool> future(state_);
  FutureState::Fulfil(state_, absl::OkStatus(), Packed(std::string("no bool")));
  const absl::Status status = future.Get().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("can't be unpacked"));
}

TEST_F(FutureTest, CallbackSetBeforeGetsTheOutcome) {
  absl::Notification called;
  absl::StatusOr<int> seen;
  Future<int>(state_).OnDone([&](const absl::StatusOr<int>& value) {
    seen = value;
    called.Notify();
  });
  EXPECT_FALSE(called.HasBeenNotified());
  FutureState::Fulfil(state_, absl::OkStatus(), Packed(7));
  called.WaitForNotification();
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(*seen, 7);
}

TEST_F(FutureTest, CallbackSetAfterGetsTheOutcome) {
  FutureState::Fulfil(state_, absl::AbortedError("over"), "");
  absl::Notification called;
  absl::Status seen;
  Future<void>(state_).OnDone([&](const absl::Status& status) {
    seen = status;
    called.Notify();
  });
  called.WaitForNotification();
  EXPECT_EQ(seen, absl::AbortedError("over"));
}

TEST_F(FutureTest, CallbacksRunOnTheCallbackThread) {
  std::vector<std::thread::id> threads;
  std::vector<bool> current;
  const auto note = [&](const absl::Status&) {
    threads.push_back(std::this_thread::get_id());
    current.push_back(callbacks_->IsCurrent());
  };
  const Future<void> future(state_);
  future.OnDone(note);
  FutureState::Fulfil(state_, absl::OkStatus(), "");
  future.OnDone(note);
  absl::Notification done;
  future.OnDone([&](const absl::Status&) { done.Notify(); });
  done.WaitForNotification();
  ASSERT_EQ(threads.size(), 2u);
  EXPECT_NE(threads[0], std::this_thread::get_id());
  EXPECT_EQ(threads[0], threads[1]);
  EXPECT_THAT(current, ElementsAre(true, true));
  EXPECT_FALSE(callbacks_->IsCurrent());
}

TEST_F(FutureTest, CallbacksRunOnceAndInTheOrderInWhichTasksEnd) {
  const std::shared_ptr<FutureState> second = NewState();
  std::vector<int> order;
  const auto note = [&order](const absl::StatusOr<int>& value) {
    order.push_back(*value);
  };
  Future<int>(state_).OnDone(note);
  Future<int>(second).OnDone(note);
  Future<int>(second).OnDone(note);
  FutureState::Fulfil(second, absl::OkStatus(), Packed(2));
  FutureState::Fulfil(state_, absl::OkStatus(), Packed(1));
  callbacks_->Shutdown();  // After those posted so far.
  EXPECT_THAT(order, ElementsAre(2, 2, 1));
}

TEST_F(FutureTest, CallbackMayAskItsFutureAndSetAnother) {
  const Future<int> future(state_);
  absl::Notification done;
  int sum = 0;
  future.OnDone([&](const absl::StatusOr<int>& value) {
    sum += *value + *future.Get();
    future.OnDone([&](const absl::StatusOr<int>& again) {
      sum += *again;
      done.Notify();
    });
  });
  FutureState::Fulfil(state_, absl::OkStatus(), Packed(7));
  done.WaitForNotification();
  EXPECT_EQ(sum, 21);
}

TEST_F(FutureTest, CallbacksRunInlineAfterShutdown) {
  callbacks_->Shutdown();
  const Future<void> future(state_);
  std::vector<std::thread::id> threads;
  const auto note = [&threads](const absl::Status&) {
    threads.push_back(std::this_thread::get_id());
  };
  future.OnDone(note);
  EXPECT_TRUE(threads.empty());
  FutureState::Fulfil(state_, absl::OkStatus(), "");
  EXPECT_EQ(threads.size(), 1u);
  future.OnDone(note);
  EXPECT_THAT(threads, ElementsAre(std::this_thread::get_id(),
                                   std::this_thread::get_id()));
}

TEST_F(FutureTest, FutureOutlivesWhoMadeIt) {
  auto callbacks = std::make_shared<CallbackThread>();
  auto state = std::make_shared<FutureState>(callbacks);
  const Future<int> future(state);
  FutureState::Fulfil(state, absl::OkStatus(), Packed(7));
  state.reset();
  callbacks->Shutdown();
  callbacks.reset();
  EXPECT_EQ(*future.Get(), 7);
  bool called = false;
  future.OnDone([&](const absl::StatusOr<int>&) { called = true; });
  EXPECT_TRUE(called);
}

TEST_F(FutureTest, FutureOfNoTaskIsReadyWithFailedPrecondition) {
  const Future<int> future;
  EXPECT_TRUE(future.Ready());
  EXPECT_TRUE(future.WaitWithTimeout(absl::ZeroDuration()));
  const absl::Status status = future.Get().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("belongs to no task"));
  EXPECT_EQ(Future<void>().Get(), status);
  absl::Status seen;
  future.OnDone([&seen](const absl::StatusOr<int>& v) { seen = v.status(); });
  EXPECT_EQ(seen, status);
}

TEST(CallbackThreadTest, ATimeoutHoldsBehindAnothersShutdown) {
  CallbackThread callbacks;
  absl::Notification runs, may_end;
  callbacks.Post([&] {
    runs.Notify();
    may_end.WaitForNotification();
  });
  runs.WaitForNotification();
  std::thread other([&] { callbacks.Shutdown(); });
  // With the thread in either's hands.
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(callbacks.ShutdownWithTimeout(absl::Milliseconds(10)));
  }
  may_end.Notify();
  other.join();
  EXPECT_TRUE(callbacks.ShutdownWithTimeout(absl::ZeroDuration()));
}

TEST(CallbackThreadTest, ShutdownRunsWhatWasPosted) {
  CallbackThread callbacks;
  absl::Notification go;
  int count = 0;
  callbacks.Post([&] { go.WaitForNotification(); });
  for (int i = 0; i < 100; ++i) callbacks.Post([&count] { ++count; });
  go.Notify();
  callbacks.Shutdown();
  EXPECT_EQ(count, 100);
  callbacks.Shutdown();  // Harmless.
}

TEST(CallbackThreadTest, CallbackPostedByACallbackRunsAfterIt) {
  CallbackThread callbacks;
  absl::Notification done;
  std::vector<int> order;
  callbacks.Post([&] {
    callbacks.Post([&] {
      order.push_back(2);
      done.Notify();
    });
    order.push_back(1);
  });
  done.WaitForNotification();
  EXPECT_THAT(order, ElementsAre(1, 2));
}

}  // namespace
}  // namespace multiproc
