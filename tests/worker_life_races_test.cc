// Workers that leave, scripted: what real ones do at one moment in a million,
// and what only wrong ones do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/frame_format.h"
#include "multiproc/pool/process_pool.h"
#include "tests/scripted_worker.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

// Never called: the scripted workers answer in its place.
std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

absl::StatusOr<std::string> OutcomeOf(const Future<std::string>& future) {
  if (future.WaitWithTimeout(kScriptPatience)) return future.Get();
  return absl::DeadlineExceededError("the future was not ready in time");
}

std::string TextOf(const std::optional<TaskRequest>& request) {
  std::string text;
  if (!request.has_value()) return "no request";
  EXPECT_TRUE(DecodeValues(request->call().arguments(), &text));
  return text;
}

TaskResponse LeavingResponseTo(const TaskRequest& request) {
  TaskResponse response = ResponseTo(request);
  response.set_leaving(true);
  return response;
}

class WorkerLifeRacesTest : public testing::Test {
 protected:
  void TearDown() override {
    if (pool_ != nullptr) pool_->Terminate();
    pool_ = nullptr;
    for (std::thread& server : servers_) server.join();
  }

  void MakePool(int num_workers, int min_workers = -1) {
    ProcessPoolOptions options;
    options.num_workers = num_workers;
    options.min_workers = min_workers;
    options.max_leased_tasks = 4;
    options.executor = &executor_;
    absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
        ProcessPool::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }

  std::shared_ptr<ScriptedWorker> NextReady() {
    std::shared_ptr<ScriptedWorker> worker = executor_.NextWorker();
    worker->SayHello();
    return worker;
  }

  // The next worker is one that is in order.
  void ServeNext() {
    std::shared_ptr<ScriptedWorker> worker = executor_.NextWorker();
    ASSERT_NE(worker, nullptr);
    servers_.emplace_back([worker] { worker->Serve(); });
  }

  // Its next request, which is `text`.
  TaskRequest Request(ScriptedWorker& worker, const std::string& text) {
    std::optional<TaskRequest> request = worker.NextRequest();
    EXPECT_EQ(TextOf(request), text);
    return std::move(request).value_or(TaskRequest());
  }

  // One that runs the task "a", and no other.
  std::pair<std::shared_ptr<ScriptedWorker>, TaskRequest> RunningWorker() {
    a_ = pool_->Submit(Same, "a");
    std::shared_ptr<ScriptedWorker> worker = NextReady();
    TaskRequest request = Request(*worker, "a");
    EXPECT_TRUE(worker->Begin());
    return {std::move(worker), std::move(request)};
  }

  ScriptedExecutor executor_;
  std::unique_ptr<ProcessPool> pool_;
  std::vector<std::thread> servers_;
  Future<std::string> a_;
};

TEST_F(WorkerLifeRacesTest, WhatALeavingWorkerHasNotBegunRunsElsewhere) {
  MakePool(1);
  const auto [worker, request] = RunningWorker();
  const auto b = pool_->Submit(Same, "b");
  const auto c = pool_->Submit(Same, "c");
  worker->Answer(LeavingResponseTo(request));
  EXPECT_EQ(*OutcomeOf(a_), "a");
  // Requests may come still, and the end does.
  while (worker->NextRequest().has_value()) {
  }
  EXPECT_EQ(worker->memory().dismissed, 1);
  ServeNext();
  EXPECT_EQ(*OutcomeOf(b), "b");
  EXPECT_EQ(*OutcomeOf(c), "c");
  EXPECT_FALSE(worker->killed());
  worker->Exit(ExitStatus::Exited(0));
}

TEST_F(WorkerLifeRacesTest, AWorkerThatWantsToLeaveAndBeginsATaskIsKilled) {
  MakePool(1);
  const auto b_before = pool_->Submit(Same, "a");
  const auto b = pool_->Submit(Same, "b");
  const auto worker = NextReady();
  const TaskRequest request = Request(*worker, "a");
  Request(*worker, "b");
  EXPECT_TRUE(worker->Begin());
  EXPECT_TRUE(worker->Begin());
  worker->Answer(LeavingResponseTo(request));
  EXPECT_EQ(*OutcomeOf(b_before), "a");
  EXPECT_TRUE(worker->WaitForKill());
  const absl::Status status = OutcomeOf(b).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("wanted to leave"));
}

TEST_F(WorkerLifeRacesTest, ABroadcastThatIsTakenBackGoesToItsWorkerAgain) {
  MakePool(1);
  a_ = pool_->Submit(Same, "a");
  const auto all = pool_->Broadcast(Same, "all");
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 1);
  const auto b = pool_->Submit(Same, "b");
  const auto busy = NextReady();
  const TaskRequest request = Request(*busy, "a");
  EXPECT_TRUE(busy->Begin());
  Request(*busy, "all");
  Request(*busy, "b");
  // Patience with "a" ends, and another runs what others may run.
  EXPECT_TRUE(pool_->Resize(2).ok());
  ServeNext();
  EXPECT_EQ(*OutcomeOf(b), "b");
  busy->Answer(ResponseTo(request));
  const TaskRequest again = Request(*busy, "all");
  EXPECT_TRUE(busy->Begin());
  busy->Answer(ResponseTo(again));
  EXPECT_EQ(*OutcomeOf(a_), "a");
  EXPECT_EQ(*OutcomeOf((*all)[0]), "all");
}

TEST_F(WorkerLifeRacesTest, ABroadcastIsLostIfItsWorkerLeavesBeforeIt) {
  for (const bool restart : {false, true}) {
    MakePool(1);
    const auto [worker, request] = RunningWorker();
    const auto all = pool_->Broadcast(Same, "all");
    ASSERT_TRUE(all.ok()) << all.status();
    ASSERT_EQ(all->size(), 1);
    Request(*worker, "all");
    if (restart) {
      // It stays, as the worker is to end what it has.
      EXPECT_TRUE(pool_->RestartWorkers().ok());
    }
    worker->Answer(LeavingResponseTo(request));
    EXPECT_EQ(*OutcomeOf(a_), "a");
    const absl::Status status = OutcomeOf((*all)[0]).status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("left before it began"));
    while (worker->NextRequest().has_value()) {
    }
    worker->Exit(ExitStatus::Exited(0));
    ServeNext();
    EXPECT_EQ(*OutcomeOf(pool_->Submit(Same, "b")), "b");
    pool_ = nullptr;
  }
}

TEST_F(WorkerLifeRacesTest, AHelloWithAnErrorFailsThePool) {
  MakePool(1);
  const auto future = pool_->Submit(Same, "a");
  const auto worker = executor_.NextWorker();
  WorkerHello hello;
  *hello.mutable_error() = StatusToProto(absl::AbortedError("not today"));
  worker->Write(FrameOf(FrameType::kWorkerHello, hello));
  EXPECT_TRUE(worker->WaitForKill());
  const absl::Status status = OutcomeOf(future).status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("not today"));
  pool_->Close();
  EXPECT_EQ(pool_->Join(), status);
}

TEST_F(WorkerLifeRacesTest, AHelloThatIsNoneIsRefused) {
  MakePool(1);
  const auto future = pool_->Submit(Same, "a");
  const auto worker = executor_.NextWorker();
  worker->Write(FrameOf(FrameType::kWorkerHello, "\xff"));
  EXPECT_TRUE(worker->WaitForKill());
  ServeNext();
  EXPECT_EQ(*OutcomeOf(future), "a") << "it was not begun";
}

// The next is not touched before the replacement of the first is ready.
TEST_F(WorkerLifeRacesTest, ARestartReplacesOneAtATime) {
  MakePool(2);
  const auto first = NextReady();
  const auto second = NextReady();
  EXPECT_TRUE(pool_->RestartWorkers().ok());
  EXPECT_FALSE(first->NextRequest().has_value());
  EXPECT_EQ(first->memory().dismissed, 1);
  const auto replacement = executor_.NextWorker();
  ASSERT_NE(replacement, nullptr);
  first->Exit(ExitStatus::Exited(0));
  // The pool is at rest, but for this one.
  const auto x = pool_->Submit(Same, "x");
  const TaskRequest request = Request(*second, "x");
  EXPECT_TRUE(second->Begin());
  second->Answer(ResponseTo(request));
  EXPECT_EQ(*OutcomeOf(x), "x");
  EXPECT_EQ(second->memory().dismissed, 0);
  replacement->SayHello();
  EXPECT_FALSE(second->NextRequest().has_value());
  second->Exit(ExitStatus::Exited(0));
  ServeNext();
  EXPECT_EQ(executor_.num_started(), 4);
}

// With as many on their way out as there may be, nobody would take its place.
TEST_F(WorkerLifeRacesTest, AWorkerLeavesOnlyIfAnotherCanBeStarted) {
  MakePool(1);
  const auto first = NextReady();
  EXPECT_TRUE(pool_->RestartWorkers().ok());
  EXPECT_FALSE(first->NextRequest().has_value());
  const auto second = NextReady();
  EXPECT_TRUE(pool_->RestartWorkers().ok());
  for (const char* text : {"x", "y"}) {
    const auto x = pool_->Submit(Same, std::string(text));
    const TaskRequest request = Request(*second, text);
    EXPECT_TRUE(second->Begin());
    second->Answer(ResponseTo(request));
    EXPECT_EQ(*OutcomeOf(x), text);
  }
  EXPECT_EQ(second->memory().dismissed, 0);
  first->Exit(ExitStatus::Exited(0));
  EXPECT_FALSE(second->NextRequest().has_value());
  EXPECT_EQ(second->memory().dismissed, 1);
  ServeNext();
  second->Exit(ExitStatus::Exited(0));
}

TEST_F(WorkerLifeRacesTest, AWorkerLeavesWhenItsLastPinnedTaskIsCancelled) {
  MakePool(1);
  const auto [worker, request] = RunningWorker();
  const auto b = pool_->SubmitTo(pool_->WorkerIds()[0], Same, "b");
  Request(*worker, "b");
  EXPECT_TRUE(pool_->RestartWorkers().ok());
  while (pool_->Stats().workers.leaving == 0) std::this_thread::yield();
  worker->Answer(ResponseTo(request));
  // It was taken back, and is the only one that the worker stays for.
  Request(*worker, "b");
  EXPECT_TRUE(b.Cancel());
  EXPECT_TRUE(absl::IsCancelled(OutcomeOf(b).status()));
  EXPECT_FALSE(worker->NextRequest().has_value());
  EXPECT_EQ(worker->memory().dismissed, 1);
  worker->Exit(ExitStatus::Exited(0));
  ServeNext();
  EXPECT_EQ(*OutcomeOf(pool_->Submit(Same, "c")), "c");
}

TEST_F(WorkerLifeRacesTest, PinnedTasksAreNotSentAgainAndAgain) {
  MakePool(2);
  auto [worker, request] = RunningWorker();
  const auto idle = NextReady();
  const uint64_t id = pool_->WorkerIds()[0];
  constexpr int kTasks = 50;
  std::vector<Future<std::string>> pinned;
  for (int i = 0; i < kTasks; ++i) {
    pinned.push_back(pool_->SubmitTo(id, Same, absl::StrCat(i)));
  }
  // Of those that were sent and the others.
  for (int i = 1; i < kTasks; i += 2) EXPECT_TRUE(pinned[i].Cancel());
  worker->Answer(ResponseTo(request, absl::Milliseconds(1)));
  int sent = 0;
  for (int answered = 0; answered < kTasks / 2; ++sent) {
    const std::optional<TaskRequest> next = worker->NextRequest();
    ASSERT_TRUE(next.has_value());
    if (!worker->Begin()) continue;
    worker->Answer(ResponseTo(*next, absl::Milliseconds(1)));
    ++answered;
  }
  for (int i = 0; i < kTasks; i += 2) {
    EXPECT_EQ(*OutcomeOf(pinned[i]), absl::StrCat(i));
  }
  EXPECT_LE(sent, 3 * kTasks);
}

TEST_F(WorkerLifeRacesTest, APinnedTaskIsUnavailableWhateverItsWorkerDiesOf) {
  MakePool(1);
  auto [worker, request] = RunningWorker();
  TaskOptions options;
  options.label = "mine";
  const auto pinned =
      pool_->SubmitTo(options, pool_->WorkerIds()[0], Same, "b");
  EXPECT_EQ(TextOf(worker->NextRequest()), "b");
  worker->Write("garbage");
  EXPECT_TRUE(absl::IsDataLoss(OutcomeOf(a_).status()));
  const absl::Status status = OutcomeOf(pinned).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("(mine)"));
  EXPECT_EQ(GetTaskFailure(status)->label(), "mine");
  EXPECT_EQ(GetTaskFailure(status)->worker_pid(), worker->pid());
  ServeNext();
}

TEST_F(WorkerLifeRacesTest, TerminateCancelsPinnedTasksToo) {
  MakePool(1);
  const auto [worker, request] = RunningWorker();
  const uint64_t id = pool_->WorkerIds()[0];
  std::vector<Future<std::string>> pinned;
  for (int i = 0; i < 10; ++i) pinned.push_back(pool_->SubmitTo(id, Same, "p"));
  pool_->Terminate();
  EXPECT_TRUE(absl::IsCancelled(OutcomeOf(a_).status()));
  for (const auto& future : pinned) {
    const absl::Status status = OutcomeOf(future).status();
    EXPECT_TRUE(absl::IsCancelled(status)) << status;
  }
  EXPECT_EQ(pool_->Stats().tasks.cut_off, 11);
}

TEST_F(WorkerLifeRacesTest, SubmitToWaitsForRoomAsSubmitDoes) {
  ProcessPoolOptions options;
  options.num_workers = 1;
  options.max_pending = 1;
  options.when_full = WhenFull::kReject;
  options.executor = &executor_;
  pool_ = *ProcessPool::Create(options);
  const auto [worker, request] = RunningWorker();
  const uint64_t id = pool_->WorkerIds()[0];
  EXPECT_TRUE(absl::IsResourceExhausted(
      OutcomeOf(pool_->SubmitTo(id, Same, "b")).status()));
  worker->Answer(ResponseTo(request));
  EXPECT_EQ(*OutcomeOf(a_), "a");
  // One that is not taken leaves its room.
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(absl::IsNotFound(
        OutcomeOf(pool_->SubmitTo(id + 100, Same, "b")).status()));
  }
  const auto c = pool_->SubmitTo(id, Same, "c");
  const TaskRequest next = Request(*worker, "c");
  EXPECT_TRUE(worker->Begin());
  worker->Answer(ResponseTo(next));
  EXPECT_EQ(*OutcomeOf(c), "c");
  EXPECT_EQ(pool_->Stats().tasks.refused, 4);
}

TEST_F(WorkerLifeRacesTest, ExtraWorkersThatCannotBeHadFailNoPool) {
  MakePool(/*num_workers=*/2, /*min_workers=*/1);
  const auto [worker, request] = RunningWorker();
  executor_.set_refusal(absl::ResourceExhaustedError("no more"));
  const auto b = pool_->Submit(Same, "b");
  // As many as would fail a pool that has none.
  while (executor_.num_refused() < 8) absl::SleepFor(absl::Milliseconds(1));
  worker->Answer(ResponseTo(request));
  EXPECT_EQ(*OutcomeOf(a_), "a");
  const std::optional<TaskRequest> next = worker->NextTask();
  ASSERT_TRUE(next.has_value());
  worker->Answer(ResponseTo(*next));
  EXPECT_EQ(*OutcomeOf(b), "b");
}

TEST_F(WorkerLifeRacesTest, WhatWaitsBehindALongTaskRunsInALaterWorker) {
  MakePool(1);
  a_ = pool_->Submit(Same, "a");
  const auto b = pool_->Submit(Same, "b");
  const auto worker = NextReady();
  const TaskRequest request = Request(*worker, "a");
  EXPECT_TRUE(worker->Begin());
  Request(*worker, "b");
  // The pool has given up to look for anybody else: that takes some
  // milliseconds.
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_TRUE(pool_->Resize(2).ok());
  ServeNext();
  EXPECT_EQ(*OutcomeOf(b), "b");
  worker->Answer(ResponseTo(request));
  EXPECT_EQ(*OutcomeOf(a_), "a");
}

TEST_F(WorkerLifeRacesTest, AnElasticPoolGrowsWhileAWorkerStarts) {
  MakePool(/*num_workers=*/2, /*min_workers=*/0);
  a_ = pool_->Submit(Same, "a");
  const auto first = executor_.NextWorker();
  ASSERT_NE(first, nullptr);
  const auto b = pool_->Submit(Same, "b");
  ServeNext();
  EXPECT_EQ(*OutcomeOf(a_), "a");
  EXPECT_EQ(*OutcomeOf(b), "b");
}

TEST_F(WorkerLifeRacesTest, JoinWaitsForCallbacksOfAPoolThatFailed) {
  MakePool(1);
  const auto future = pool_->Submit(Same, "a");
  absl::Notification may_end;
  future.OnDone([&](const auto&) { may_end.WaitForNotification(); });
  const auto worker = executor_.NextWorker();
  WorkerHello hello;
  *hello.mutable_error() = StatusToProto(absl::DeadlineExceededError("slow"));
  worker->Write(FrameOf(FrameType::kWorkerHello, hello));
  EXPECT_TRUE(absl::IsDeadlineExceeded(OutcomeOf(future).status()));
  pool_->Close();
  absl::Notification joined;
  std::thread other([&] {
    EXPECT_TRUE(absl::IsDeadlineExceeded(pool_->Join()));
    joined.Notify();
  });
  EXPECT_FALSE(joined.WaitForNotificationWithTimeout(absl::Milliseconds(20)));
  // Behind another's Join, too.
  EXPECT_TRUE(absl::IsDeadlineExceeded(pool_->Join(absl::Milliseconds(20))));
  EXPECT_FALSE(joined.HasBeenNotified());
  may_end.Notify();
  other.join();
}

// Its timeout runs from its start, whatever it says meanwhile, and however
// often the pool looks at what waits behind it.
TEST_F(WorkerLifeRacesTest, ProgressDoesNotExtendATimeout) {
  MakePool(2);
  auto [worker, request] = RunningWorker();
  const auto other = NextReady();
  const std::vector<uint64_t> ids = pool_->WorkerIds();
  ASSERT_EQ(ids.size(), 2);
  // The pool's patience is four times as long.
  worker->Answer(ResponseTo(request, absl::Milliseconds(250)));
  EXPECT_EQ(*OutcomeOf(a_), "a");
  TaskOptions options;
  options.timeout = absl::Milliseconds(1200);
  const auto b = pool_->SubmitTo(options, ids[0], Same, "b");
  b.OnProgress([](absl::string_view) {});
  const auto behind = pool_->SubmitTo(ids[0], Same, "c");
  options.timeout = absl::Seconds(2);
  const auto later = pool_->SubmitTo(options, ids[1], Same, "d");
  const std::optional<TaskRequest> begun = worker->NextTask();
  ASSERT_TRUE(begun.has_value());
  const std::optional<TaskRequest> other_begun = other->NextTask();
  ASSERT_TRUE(other_begun.has_value());
  TaskProgress progress;
  progress.set_task_id(begun->task_id());
  while (!worker->killed() && !other->killed()) {
    worker->Write(FrameOf(FrameType::kTaskProgress, progress));
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_FALSE(other->killed()) << "it had more time";
  other->Answer(ResponseTo(*other_begun));
  EXPECT_TRUE(absl::IsDeadlineExceeded(OutcomeOf(b).status()));
  EXPECT_TRUE(absl::IsUnavailable(OutcomeOf(behind).status()));
  EXPECT_EQ(*OutcomeOf(later), "d");
  ServeNext();
}

}  // namespace
}  // namespace multiproc
