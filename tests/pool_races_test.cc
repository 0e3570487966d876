// Whole pools with scripted workers: what real ones do once in a million runs,
// and what only wrong ones do, forced. Where a test needs time to pass it waits
// for the deadline of a task, or gives something that must not come a moment to
// come.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/frame_reader.h"
#include "multiproc/pool/process_pool.h"
#include "tests/scripted_worker.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Never called: the scripted workers answer in its place.
std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

using SameFuture = Future<std::string>;

TaskOptions Timeout(absl::Duration timeout) {
  TaskOptions options;
  options.timeout = timeout;
  return options;
}

// Its outcome, or DEADLINE_EXCEEDED of its own if there is none.
absl::StatusOr<std::string> OutcomeOf(const SameFuture& future) {
  if (future.WaitWithTimeout(kScriptPatience)) return future.Get();
  return absl::DeadlineExceededError("the future was not ready in time");
}

void ExpectOk(const SameFuture& future, const std::string& text) {
  const absl::StatusOr<std::string> outcome = OutcomeOf(future);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_TRUE(*outcome == text) << text.substr(0, 20);
}

// The pool's own error, and not a task's.
void ExpectLost(const SameFuture& future, absl::StatusCode code,
                const std::string& message, int attempt = 1) {
  const absl::Status status = OutcomeOf(future).status();
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  const auto failure = GetTaskFailure(status);
  ASSERT_TRUE(failure.has_value()) << status;
  EXPECT_EQ(failure->attempt(), attempt) << status;
}

std::string TextOf(const TaskRequest& request) {
  std::string text;
  EXPECT_TRUE(DecodeValues(request.call().arguments(), &text));
  return text;
}

std::vector<std::string> TextsOf(const std::vector<TaskRequest>& requests) {
  std::vector<std::string> texts;
  for (const TaskRequest& request : requests) texts.push_back(TextOf(request));
  return texts;
}

class PoolRacesTest : public testing::Test {
 protected:
  void TearDown() override {
    if (pool_ != nullptr) pool_->Terminate();
    pool_ = nullptr;
    for (std::thread& server : servers_) server.join();
  }

  void MakePool(int num_workers, int max_leased_tasks,
                ProcessPoolOptions options = {}) {
    options.num_workers = num_workers;
    options.max_leased_tasks = max_leased_tasks;
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

  SameFuture Submit(const std::string& text) {
    return pool_->Submit(Same, text);
  }
  std::vector<SameFuture> SubmitAll(const std::vector<std::string>& texts) {
    std::vector<SameFuture> futures;
    for (const std::string& text : texts) futures.push_back(Submit(text));
    return futures;
  }

  // The next requests of `worker`, not begun: `count` are leased to it now.
  std::vector<TaskRequest> Requests(ScriptedWorker& worker, size_t count) {
    std::vector<TaskRequest> requests;
    while (requests.size() < count) {
      std::optional<TaskRequest> request = worker.NextRequest();
      EXPECT_TRUE(request.has_value());
      requests.push_back(std::move(request).value_or(TaskRequest()));
    }
    return requests;
  }
  TaskRequest Request(ScriptedWorker& worker) { return Requests(worker, 1)[0]; }

  // The next task of `worker`, begun.
  TaskRequest Task(ScriptedWorker& worker) {
    std::optional<TaskRequest> task = worker.NextTask();
    EXPECT_TRUE(task.has_value());
    return std::move(task).value_or(TaskRequest());
  }

  // The first `count` workers, each of which has had one task that it ran for
  // `run_time`, as the pool thinks: it is ready, and idle. From now on each
  // task goes to the first idle one.
  std::vector<std::shared_ptr<ScriptedWorker>> WarmWorkers(
      size_t count, absl::Duration run_time) {
    std::vector<std::shared_ptr<ScriptedWorker>> workers;
    while (workers.size() < count) {
      const SameFuture future = Submit("warm");
      workers.push_back(executor_.NextWorker());
      const TaskRequest request = Request(*workers.back());
      workers.back()->SayHello();
      EXPECT_TRUE(workers.back()->Begin());
      workers.back()->Answer(ResponseTo(request, run_time));
      ExpectOk(future, "warm");
    }
    return workers;
  }

  // Submits a task that `worker`, which is the first idle one, gets.
  std::pair<SameFuture, TaskRequest> SubmitTo(ScriptedWorker& worker,
                                              const std::string& text) {
    SameFuture future = Submit(text);
    TaskRequest request = Request(worker);
    EXPECT_EQ(TextOf(request), text);
    return {std::move(future), std::move(request)};
  }

  void BeginAndKeep(ScriptedWorker& worker, const TaskRequest& request) {
    EXPECT_TRUE(worker.Begin());
    worker.Keep(ResponseTo(request));
  }

  // The worker begins its task, and the first byte of its answer makes the pool
  // look at what was submitted since.
  void MakeThePoolLook(ScriptedWorker& worker, const TaskResponse& response) {
    EXPECT_TRUE(worker.Begin());
    worker.Keep(response);
    worker.WriteKept(1);
  }

  ScriptedExecutor executor_;
  std::unique_ptr<ProcessPool> pool_;
  std::vector<std::thread> servers_;
};

// ---- Answers in the journal, and not in the pipe ----

TEST_F(PoolRacesTest, AnswersInTheJournalOfADeadWorkerCount) {
  MakePool(1, 4);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c", "d"});
  const auto worker = NextReady();
  const std::vector<TaskRequest> requests = Requests(*worker, 4);
  BeginAndKeep(*worker, requests[0]);
  BeginAndKeep(*worker, requests[1]);
  EXPECT_TRUE(worker->Begin());
  worker->Exit(ExitStatus::Exited(3));
  ServeNext();
  ExpectOk(futures[0], "a");
  ExpectOk(futures[1], "b");
  ExpectLost(futures[2], absl::StatusCode::kUnavailable, "code 3");
  ExpectOk(futures[3], "d");
}

TEST_F(PoolRacesTest, ADeathBetweenTwoTasksCostsNothing) {
  MakePool(1, 3);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c"});
  const auto first = NextReady();
  BeginAndKeep(*first, Requests(*first, 3)[0]);
  first->Exit(ExitStatus::Exited(0));
  const auto second = NextReady();
  EXPECT_THAT(TextsOf(Requests(*second, 2)), ElementsAre("b", "c"));
  ExpectOk(futures[0], "a");
  EXPECT_TRUE(second->Begin());
  second->Exit(ExitStatus::Exited(5));
  ServeNext();
  ExpectLost(futures[1], absl::StatusCode::kUnavailable, "code 5", 1);
  ExpectOk(futures[2], "c");
}

// Another worker gets idle, and takes what this one has not begun.
TEST_F(PoolRacesTest, AnswersInTheJournalOfATakenBackWorkerCountOnce) {
  MakePool(2, 8);
  const absl::Duration run_time = absl::Milliseconds(50);
  const auto busy = WarmWorkers(1, run_time)[0];
  // Not ready before its first task is begun: it is given no other.
  const auto idle = executor_.NextWorker();
  const auto [b, request_b] = SubmitTo(*idle, "b");
  const auto [a, request_a] = SubmitTo(*busy, "a");
  const std::vector<SameFuture> futures = SubmitAll({"c", "d", "e"});
  EXPECT_TRUE(busy->Begin());
  busy->Answer(ResponseTo(request_a, run_time));
  const std::vector<TaskRequest> requests = Requests(*busy, 3);
  EXPECT_THAT(TextsOf(requests), ElementsAre("c", "d", "e"));
  BeginAndKeep(*busy, requests[0]);
  EXPECT_TRUE(busy->Begin());
  idle->SayHello();
  EXPECT_TRUE(idle->Begin());
  idle->Answer(ResponseTo(request_b, run_time));
  const TaskRequest taken = Task(*idle);
  EXPECT_EQ(TextOf(taken), "e");
  idle->Answer(ResponseTo(taken, run_time));
  ExpectOk(a, "a");
  ExpectOk(b, "b");
  ExpectOk(futures[0], "c");
  EXPECT_FALSE(futures[1].Ready());
  ExpectOk(futures[2], "e");
  // The pipe brings the answer to "c" once more.
  busy->Answer(ResponseTo(requests[1], run_time));
  ExpectOk(futures[1], "d");
  const SameFuture last = Submit("g");
  busy->Answer(ResponseTo(Task(*busy)));
  ExpectOk(last, "g");
  EXPECT_EQ(executor_.num_started(), 2);
}

TEST_F(PoolRacesTest, AnswersInTheJournalOfATakenBackWorkerThatDiesCount) {
  MakePool(2, 8);
  const absl::Duration run_time = absl::Seconds(15);
  const auto busy = WarmWorkers(1, run_time)[0];
  const auto idle = executor_.NextWorker();
  const auto [b, request_b] = SubmitTo(*idle, "b");
  const auto [a, request_a] = SubmitTo(*busy, "a");
  const std::vector<SameFuture> futures = SubmitAll({"c", "d"});
  EXPECT_TRUE(busy->Begin());
  busy->Answer(ResponseTo(request_a, run_time));
  const TaskRequest request_c = Requests(*busy, 2)[0];
  EXPECT_TRUE(busy->Begin());
  idle->SayHello();
  EXPECT_TRUE(idle->Begin());
  idle->Answer(ResponseTo(request_b, run_time));
  const TaskRequest request_d = Task(*idle);
  EXPECT_EQ(TextOf(request_d), "d");
  busy->Keep(ResponseTo(request_c));
  EXPECT_FALSE(busy->Begin()) << "it is the other's";
  busy->Exit(ExitStatus::Exited(0));
  ExpectOk(futures[0], "c");
  idle->Answer(ResponseTo(request_d));
  ExpectOk(futures[1], "d");
  ExpectOk(a, "a");
  ExpectOk(b, "b");
}

TEST_F(PoolRacesTest, AnswersAreDeliveredWhileALongTaskRuns) {
  MakePool(1, 3);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c"});
  const auto worker = NextReady();
  const std::vector<TaskRequest> requests = Requests(*worker, 3);
  BeginAndKeep(*worker, requests[0]);
  BeginAndKeep(*worker, requests[1]);
  EXPECT_TRUE(worker->Begin());
  ExpectOk(futures[0], "a");
  ExpectOk(futures[1], "b");
  EXPECT_FALSE(futures[2].Ready());
  worker->Answer(ResponseTo(requests[2]));
  ExpectOk(futures[2], "c");
  EXPECT_EQ(executor_.num_started(), 1);
}

TEST_F(PoolRacesTest, AnswersOfAWorkerThatWasSlowToBeginAreDelivered) {
  MakePool(1, 3);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c"});
  const auto worker = NextReady();
  const std::vector<TaskRequest> requests = Requests(*worker, 3);
  // The pool looks for them again and again.
  EXPECT_FALSE(futures[0].WaitWithTimeout(absl::Milliseconds(30)));
  BeginAndKeep(*worker, requests[0]);
  EXPECT_TRUE(worker->Begin());
  ExpectOk(futures[0], "a");
  // And in the middle of the second, too.
  EXPECT_FALSE(futures[1].WaitWithTimeout(absl::Milliseconds(30)));
  worker->Answer(ResponseTo(requests[1]));
  EXPECT_TRUE(worker->Begin());
  ExpectOk(futures[1], "b");
}

// ---- Deadlines ----

TEST_F(PoolRacesTest, ADeadlineCostsTheTaskThatOverranAndNoOther) {
  MakePool(1, 3);
  const SameFuture overdue =
      pool_->Submit(Timeout(absl::Milliseconds(30)), Same, "a");
  const std::vector<SameFuture> behind = SubmitAll({"b", "c"});
  const auto worker = executor_.NextWorker();
  Request(*worker);
  EXPECT_TRUE(worker->Begin());
  worker->SayHello();
  EXPECT_TRUE(worker->WaitForKill());
  ExpectLost(overdue, absl::StatusCode::kDeadlineExceeded, "30ms");
  const auto next = NextReady();
  EXPECT_THAT(TextsOf(Requests(*next, 2)), ElementsAre("b", "c"));
  EXPECT_TRUE(next->Begin());
  next->Exit(ExitStatus::Exited(5));
  ServeNext();
  ExpectLost(behind[0], absl::StatusCode::kUnavailable, "code 5", 1);
  ExpectOk(behind[1], "c");
}

// It ends its task, and would begin the next, in the moment before the kill.
TEST_F(PoolRacesTest, AKillForADeadlineHitsNoTaskBehind) {
  MakePool(1, 3);
  const SameFuture overdue =
      pool_->Submit(Timeout(absl::Milliseconds(300)), Same, "a");
  const std::vector<SameFuture> behind = SubmitAll({"b", "c"});
  const auto worker = executor_.NextWorker();
  const TaskRequest request = Request(*worker);
  EXPECT_TRUE(worker->Begin());
  bool begun_b = false;
  worker->SayHello();
  worker->set_before_kill([&] {
    worker->Keep(ResponseTo(request));
    begun_b = worker->Begin();
  });
  ServeNext();
  ExpectOk(overdue, "a");
  ExpectOk(behind[0], "b");
  ExpectOk(behind[1], "c");
  EXPECT_TRUE(worker->killed());
  EXPECT_FALSE(begun_b);
}

TEST_F(PoolRacesTest, AnAnswerInTheJournalHasNotOverrun) {
  MakePool(1, 1);
  const SameFuture future =
      pool_->Submit(Timeout(absl::Milliseconds(300)), Same, "a");
  const auto worker = NextReady();
  worker->Keep(ResponseTo(Task(*worker)));
  // Nothing makes the pool look there but the deadline.
  ExpectOk(future, "a");
  const SameFuture next = Submit("b");
  worker->Answer(ResponseTo(Task(*worker)));
  ExpectOk(next, "b");
  EXPECT_EQ(executor_.num_started(), 1);
}

// The deadline of the second tells that that of the first is over.
TEST_F(PoolRacesTest, AnAnswerThatIsHalfReadInGetHasNotOverrun) {
  MakePool(2, 1);
  const auto worker = NextReady();
  const auto other = NextReady();
  const std::string text(100000, 'a');
  const absl::Duration timeout = absl::Milliseconds(300);
  const SameFuture future = pool_->Submit(Timeout(timeout), Same, text);
  std::thread caller([&] { ExpectOk(future, text); });
  const TaskRequest task = Task(*worker);
  worker->AnswerGreat(task, 40000);
  const SameFuture clock = pool_->Submit(Timeout(timeout), Same, "b");
  Task(*other);
  ExpectLost(clock, absl::StatusCode::kDeadlineExceeded, "300ms");
  EXPECT_FALSE(worker->killed());
  worker->Write(
      FrameOf(FrameType::kAttachment, task.call().arguments()).substr(40000));
  caller.join();
  EXPECT_FALSE(worker->killed());
}

TEST_F(PoolRacesTest, AWorkerWithoutTasksIsNotKilledByTheDeadlineOfItsLast) {
  MakePool(2, 1);
  const auto worker = NextReady();
  const auto other = NextReady();
  const absl::Duration timeout = absl::Milliseconds(300);
  const SameFuture future = pool_->Submit(Timeout(timeout), Same, "a");
  worker->Answer(ResponseTo(Task(*worker)));
  ExpectOk(future, "a");
  const SameFuture clock = pool_->Submit(Timeout(timeout), Same, "b");
  Task(*other);
  ExpectLost(clock, absl::StatusCode::kDeadlineExceeded, "300ms");
  EXPECT_FALSE(worker->killed());
}

// ---- Answers that nobody attends ----

// Two of three workers are idle while "f" waits behind "a", which has not
// begun. Then it begins, and a caller gives "g" to the one and thereby "f" to
// the other: and never comes back.
TEST_F(PoolRacesTest, AStolenTaskThatNobodyAttendsEnds) {
  MakePool(3, 2);
  // Tasks are long ones: the pool has patience for a minute.
  const absl::Duration run_time = absl::Seconds(15);
  const auto workers = WarmWorkers(3, run_time);
  const auto [a, request_a] = SubmitTo(*workers[0], "a");
  const auto [b, request_b] = SubmitTo(*workers[1], "b");
  const auto [c, request_c] = SubmitTo(*workers[2], "c");
  absl::Notification f_has_ended;
  Submit("f").OnDone([&](const absl::StatusOr<std::string>& outcome) {
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    f_has_ended.Notify();
  });
  MakeThePoolLook(*workers[2], ResponseTo(request_c, run_time));
  EXPECT_EQ(TextOf(Request(*workers[0])), "f");
  workers[2]->WriteKept();
  ExpectOk(c, "c");
  EXPECT_TRUE(workers[1]->Begin());
  workers[1]->Answer(ResponseTo(request_b, run_time));
  ExpectOk(b, "b");
  EXPECT_TRUE(workers[0]->Begin());
  const SameFuture g = Submit("g");
  // (If the owner thread happens to look before this caller, they are swapped.)
  const TaskRequest second = Task(*workers[1]);
  const TaskRequest third = Task(*workers[2]);
  EXPECT_THAT(TextsOf({second, third}), UnorderedElementsAre("f", "g"));
  const bool swapped = TextOf(second) == "f";
  if (swapped) {
    workers[1]->Answer(ResponseTo(second, run_time));
  } else {
    workers[2]->Answer(ResponseTo(third, run_time));
  }
  EXPECT_TRUE(f_has_ended.WaitForNotificationWithTimeout(kScriptPatience));
  // And so do the others, of callers that only ask.
  workers[0]->Answer(ResponseTo(request_a, run_time));
  if (swapped) {
    workers[2]->Answer(ResponseTo(third, run_time));
  } else {
    workers[1]->Answer(ResponseTo(second, run_time));
  }
  while (!a.Ready() || !g.Ready()) std::this_thread::yield();
  ExpectOk(a, "a");
  ExpectOk(g, "g");
}

// ---- Join and callbacks ----

TEST_F(PoolRacesTest, JoinWaitsForTheCallbackOfTheLastAnswer) {
  MakePool(1, 1);
  const auto worker = NextReady();
  absl::Notification go_on;
  std::atomic<bool> has_returned{false};
  Submit("a").OnDone([&](const absl::StatusOr<std::string>&) {
    go_on.WaitForNotification();
    has_returned = true;
  });
  pool_->Close();
  std::thread joiner([&] {
    EXPECT_TRUE(pool_->Join().ok());
    EXPECT_TRUE(has_returned);
  });
  worker->Answer(ResponseTo(Task(*worker)));
  EXPECT_FALSE(worker->NextTask().has_value()) << "it is told to leave";
  worker->Exit(ExitStatus::Exited(0));
  go_on.Notify();
  joiner.join();
}

TEST_F(PoolRacesTest, JoinWaitsForACallbackThatSubmits) {
  MakePool(1, 1);
  ServeNext();
  absl::Notification closed;
  std::vector<std::string> ended;
  Submit("a").OnDone([&](const absl::StatusOr<std::string>&) {
    ended.push_back("a");
    Submit("b").OnDone([&](const absl::StatusOr<std::string>& outcome) {
      ended.push_back(outcome.ok() ? *outcome : "refused");
      Submit("c").OnDone([&](const absl::StatusOr<std::string>& refused) {
        EXPECT_TRUE(absl::IsFailedPrecondition(refused.status()))
            << refused.status();
        ended.push_back("c");
      });
    });
    pool_->Close();
    closed.Notify();
  });
  closed.WaitForNotification();
  EXPECT_TRUE(pool_->Join().ok());
  EXPECT_THAT(ended, ElementsAre("a", "b", "c"));
}

// ---- Cancelling ----

TEST_F(PoolRacesTest, WhatIsCancelledInAWorkerCanNotBeginThere) {
  MakePool(1, 3);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c"});
  const auto worker = NextReady();
  const std::vector<TaskRequest> requests = Requests(*worker, 3);
  EXPECT_TRUE(worker->Begin());
  EXPECT_TRUE(futures[1].Cancel());
  EXPECT_TRUE(futures[1].Ready());
  ExpectLost(futures[1], absl::StatusCode::kCancelled, "before it began");
  worker->Answer(ResponseTo(requests[0]));
  EXPECT_FALSE(worker->Begin()) << "nor what was behind it";
  ExpectOk(futures[0], "a");
  const TaskRequest next = Task(*worker);
  EXPECT_EQ(TextOf(next), "c");
  worker->Answer(ResponseTo(next));
  ExpectOk(futures[2], "c");
  EXPECT_EQ(executor_.num_started(), 1);
}

TEST_F(PoolRacesTest, WhatIsCancelledBeforeItsWorkerIsReadyNeverBegins) {
  MakePool(1, 1);
  const SameFuture future = Submit("a");
  const auto worker = executor_.NextWorker();
  Request(*worker);
  EXPECT_TRUE(future.Cancel());
  ExpectLost(future, absl::StatusCode::kCancelled, "before it began");
  EXPECT_FALSE(worker->Begin());
  worker->SayHello();
  const SameFuture next = Submit("b");
  worker->Answer(ResponseTo(Task(*worker)));
  ExpectOk(next, "b");
}

TEST_F(PoolRacesTest, OnlyTheTaskThatRunsIsTold) {
  MakePool(1, 1);
  const auto worker = NextReady();
  const SameFuture first = Submit("a");
  const TaskRequest a = Task(*worker);
  EXPECT_EQ(worker->memory().notice.load(), 0);
  EXPECT_TRUE(first.Cancel());
  EXPECT_EQ(worker->memory().notice.load(), a.task_id());
  worker->Answer(ResponseTo(a));
  ExpectOk(first, "a");
  const SameFuture second = Submit("b");
  const TaskRequest b = Task(*worker);
  EXPECT_NE(worker->memory().notice.load(), b.task_id());
  worker->Answer(ResponseTo(b));
  ExpectOk(second, "b");
}

TEST_F(PoolRacesTest, WhatHasItsAnswerInTheJournalIsNotCancelled) {
  MakePool(1, 1);
  const auto worker = NextReady();
  const SameFuture future = Submit("a");
  worker->Keep(ResponseTo(Task(*worker)));
  EXPECT_FALSE(future.Cancel());
  EXPECT_TRUE(future.Ready());
  ExpectOk(future, "a");
}

TEST_F(PoolRacesTest, WhatWaitsInAWorkerThatDiesIsCancelledWithIt) {
  MakePool(1, 3);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c"});
  const auto worker = NextReady();
  Requests(*worker, 3);
  worker->Write("garbage");
  EXPECT_TRUE(worker->WaitForKill());
  EXPECT_TRUE(futures[1].Cancel());
  ServeNext();
  ExpectOk(futures[0], "a");
  ExpectOk(futures[2], "c");
  ExpectLost(futures[1], absl::StatusCode::kCancelled, "before it began");
}

TEST_F(PoolRacesTest, ACancelledTaskIsNotTriedAgain) {
  MakePool(1, 1);
  TaskOptions options;
  options.max_attempts = 3;
  options.cancel_grace = absl::InfiniteDuration();
  const SameFuture future = pool_->Submit(options, Same, "a");
  const auto worker = NextReady();
  Task(*worker);
  EXPECT_TRUE(future.Cancel());
  worker->Exit(ExitStatus::Exited(3));
  ExpectLost(future, absl::StatusCode::kCancelled, "code 3");
  ServeNext();
}

TEST_F(PoolRacesTest, ProgressOfAnotherTaskIsGarbage) {
  MakePool(1, 1);
  const auto worker = NextReady();
  const SameFuture future = Submit("a");
  TaskProgress progress;
  progress.set_task_id(Task(*worker).task_id() + 1);
  worker->Write(FrameOf(FrameType::kTaskProgress, progress));
  ExpectLost(future, absl::StatusCode::kDataLoss, "no TaskProgress");
  ServeNext();
}

// It would have as long as a frame may stop.
TEST_F(PoolRacesTest, ProgressDoesNotMoveTheDeadline) {
  MakePool(1, 1);
  const auto worker = NextReady();
  const SameFuture future =
      pool_->Submit(Timeout(absl::Milliseconds(300)), Same, "a");
  absl::Notification heard;
  future.OnProgress([&](absl::string_view) { heard.Notify(); });
  TaskProgress progress;
  progress.set_task_id(Task(*worker).task_id());
  const std::string frame = FrameOf(FrameType::kTaskProgress, progress);
  worker->Write(frame.substr(0, 5));
  EXPECT_FALSE(future.WaitWithTimeout(absl::Milliseconds(30)));
  worker->Write(frame.substr(5));
  heard.WaitForNotification();
  ExpectLost(future, absl::StatusCode::kDeadlineExceeded, "300ms");
  ServeNext();
}

// ---- Workers that are wrong ----

// A byte now and then is no progress.
TEST_F(PoolRacesTest, AnAnswerDropByDropIsNotWaitedForForEver) {
  ProcessPoolOptions options;
  options.frame_timeout = absl::Milliseconds(100);
  MakePool(1, 1, options);
  const auto worker = NextReady();
  const SameFuture future = Submit("a");
  Task(*worker);
  worker->Write(MakeFrameHeader(FrameType::kTaskResponse, 60000));
  const absl::Time end = absl::Now() + kScriptPatience;
  while (!worker->killed() && absl::Now() < end) {
    worker->Write("x");
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_TRUE(worker->killed());
  ExpectLost(future, absl::StatusCode::kDataLoss, "in the middle");
  ServeNext();
}

// Each of many messages is complete in time, though the channel never ends with
// one that is.
TEST_F(PoolRacesTest, MessagesThatOverlapTheReadsAreInTime) {
  ProcessPoolOptions options;
  options.frame_timeout = absl::Seconds(2);
  MakePool(1, 1, options);
  const auto worker = NextReady();
  const SameFuture future = Submit("a");
  // The callback of the last may run when the task is long done.
  std::atomic<int> heard{0};
  future.OnProgress([&](absl::string_view) { ++heard; });
  const TaskRequest request = Task(*worker);
  TaskProgress progress;
  progress.set_task_id(request.task_id());
  const std::string frame = FrameOf(FrameType::kTaskProgress, progress);
  worker->Write(frame.substr(0, 5));
  int written = 0;
  const absl::Time end = absl::Now() + 1.5 * options.frame_timeout;
  while (absl::Now() < end) {
    worker->Write(frame.substr(5) + frame.substr(0, 5));
    ++written;
    while (heard < written && !worker->killed()) std::this_thread::yield();
  }
  worker->Write(frame.substr(5));
  ++written;
  worker->Answer(ResponseTo(request));
  ExpectOk(future, "a");
  EXPECT_FALSE(worker->killed());
  while (heard < written) std::this_thread::yield();
}

std::string AnswerBytes(uint64_t task_id, bool attached = false) {
  TaskResponse response;
  response.set_task_id(task_id);
  if (attached) {
    response.set_attached(true);
  } else {
    response.set_result("x");
  }
  return FrameOf(FrameType::kTaskResponse, response);
}

// What a worker writes in the midst of its first task, whose id is 1.
struct Violation {
  std::string name;
  std::string bytes;
  absl::StatusCode code;
  std::string message;
};

std::vector<Violation> Violations() {
  const auto kDataLoss = absl::StatusCode::kDataLoss;
  return {
      {"Garbage", "Hello, stdout!\n", kDataLoss, "\"Hello, stdout!\\n\""},
      {"ASecondHello", FrameOf(FrameType::kWorkerHello, WorkerHello()),
       kDataLoss, "type 1"},
      {"AnAttachmentThatNothingAnnounced",
       FrameOf(FrameType::kAttachment, std::string(50000, 'x')), kDataLoss,
       "type 5"},
      {"AnAnswerToAForeignTask", AnswerBytes(99), kDataLoss, "task 99"},
      {"AnAnswerToTheNextTask", AnswerBytes(2), kDataLoss, "task 2"},
      {"AnAttachmentOfAForeignTask",
       AnswerBytes(99, true) + FrameOf(FrameType::kAttachment, "x"), kDataLoss,
       "task 99"},
      {"ALongFrame", MakeFrameHeader(FrameType::kTaskResponse, 0xffffffff),
       absl::StatusCode::kResourceExhausted, "4294967295 bytes"},
      {"ALongAttachment",
       AnswerBytes(1, true) + MakeFrameHeader(FrameType::kAttachment, 1 << 30),
       absl::StatusCode::kResourceExhausted, "1073741824 bytes"},
      {"AnAttachmentThatDoesNotCome", AnswerBytes(1, true), kDataLoss,
       "in the middle"},
      {"HalfAFrame", AnswerBytes(1).substr(0, 11), kDataLoss, "in the middle"},
      {"HalfAHeader", AnswerBytes(1).substr(0, 3), kDataLoss, "in the middle"},
  };
}

class PoolViolationTest : public PoolRacesTest,
                          public testing::WithParamInterface<Violation> {
 protected:
  // Three tasks are leased to one worker, and the first is begun.
  void LeaseThree(absl::Duration frame_timeout) {
    ProcessPoolOptions options;
    options.frame_timeout = frame_timeout;
    MakePool(1, 3, options);
    futures_ = SubmitAll({"a", "b", "c"});
    worker_ = NextReady();
    Requests(*worker_, 3);
    EXPECT_TRUE(worker_->Begin());
  }

  void ExpectTheOthersEnd() {
    ExpectOk(futures_[1], "b");
    ExpectOk(futures_[2], "c");
    ExpectOk(Submit("d"), "d");
    EXPECT_EQ(executor_.num_started(), 2);
  }

  std::vector<SameFuture> futures_;
  std::shared_ptr<ScriptedWorker> worker_;
};

TEST_P(PoolViolationTest, CostsTheTaskThatRuns) {
  LeaseThree(/*frame_timeout=*/absl::Milliseconds(100));
  worker_->Write(GetParam().bytes);
  EXPECT_TRUE(worker_->WaitForKill());
  ServeNext();
  ExpectLost(futures_[0], GetParam().code, GetParam().message);
  ExpectTheOthersEnd();
}

// It has no answer for the task, however the pipe ends.
TEST_P(PoolViolationTest, CostsTheTaskThatRunsIfTheWorkerExitsAtOnce) {
  LeaseThree(/*frame_timeout=*/kScriptPatience);
  worker_->Write(GetParam().bytes);
  worker_->Exit(ExitStatus::Exited(9));
  ServeNext();
  const bool is_half = GetParam().message == "in the middle";
  if (is_half) {
    ExpectLost(futures_[0], absl::StatusCode::kUnavailable, "code 9");
  } else {
    ExpectLost(futures_[0], GetParam().code, GetParam().message);
  }
  ExpectTheOthersEnd();
}

INSTANTIATE_TEST_SUITE_P(
    All, PoolViolationTest, testing::ValuesIn(Violations()),
    [](const testing::TestParamInfo<Violation>& violation) {
      return violation.param.name;
    });

TEST_F(PoolRacesTest, ARepeatedAnswerCostsNoTaskThatHasEnded) {
  MakePool(1, 3);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c"});
  const auto worker = NextReady();
  const std::vector<TaskRequest> requests = Requests(*worker, 3);
  EXPECT_TRUE(worker->Begin());
  worker->Answer(ResponseTo(requests[0]));
  worker->Answer(ResponseTo(requests[0]));
  EXPECT_TRUE(worker->WaitForKill());
  ServeNext();
  ExpectOk(futures[0], "a");
  ExpectOk(futures[1], "b");
  ExpectOk(futures[2], "c");
}

TEST_F(PoolRacesTest, AnAnswerToATaskThatWasNotBegunIsTaken) {
  MakePool(1, 2);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b"});
  const auto worker = NextReady();
  worker->Answer(ResponseTo(Requests(*worker, 2)[0]));
  ExpectOk(futures[0], "a");
  worker->Exit(ExitStatus::Exited(9));
  ServeNext();
  // The count is not believed: by the rule of the order this one had begun.
  ExpectLost(futures[1], absl::StatusCode::kUnavailable, "code 9");
}

TEST_F(PoolRacesTest, AnAnswerBeforeHelloCostsNoTask) {
  MakePool(1, 1);
  const SameFuture future = Submit("a");
  const auto worker = executor_.NextWorker();
  worker->Write(AnswerBytes(1));
  EXPECT_TRUE(worker->WaitForKill());
  ServeNext();
  ExpectOk(future, "a");
}

TEST_F(PoolRacesTest, GarbageOfAnIdleWorkerCostsNoTask) {
  MakePool(1, 1);
  const auto worker = WarmWorkers(1, absl::Microseconds(1))[0];
  worker->Write("oh, a printf\n");
  const SameFuture future = Submit("a");
  // Who asks has the worker watched.
  EXPECT_FALSE(future.Ready());
  EXPECT_TRUE(worker->WaitForKill());
  ServeNext();
  ExpectOk(future, "a");
}

TEST_F(PoolRacesTest, ACountOfBegunTasksBeyondTheLeasesCostsOneTask) {
  MakePool(1, 3);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c"});
  const auto worker = NextReady();
  Requests(*worker, 3);
  worker->memory().gate = 4;
  worker->Exit(ExitStatus::Exited(9));
  ServeNext();
  ExpectLost(futures[0], absl::StatusCode::kUnavailable, "code 9");
  ExpectOk(futures[1], "b");
  ExpectOk(futures[2], "c");
}

// Found when it is asked what it has not begun.
TEST_F(PoolRacesTest, AWorkerThatForgetsWhatItBeganIsReplaced) {
  MakePool(2, 2);
  const absl::Duration run_time = absl::Seconds(15);
  const auto workers = WarmWorkers(2, run_time);
  const auto [a, request_a] = SubmitTo(*workers[0], "a");
  const auto [b, request_b] = SubmitTo(*workers[1], "b");
  const SameFuture c = Submit("c");
  MakeThePoolLook(*workers[1], ResponseTo(request_b, run_time));
  EXPECT_EQ(TextOf(Request(*workers[0])), "c");
  workers[0]->memory().gate = 0;
  workers[1]->WriteKept();
  EXPECT_TRUE(workers[0]->WaitForKill());
  ServeNext();
  ExpectLost(a, absl::StatusCode::kDataLoss, "count of begun tasks");
  ExpectOk(b, "b");
  // Whoever is the first to have time for it.
  servers_.emplace_back([worker = workers[1]] {
    while (const auto task = worker->NextTask()) {
      worker->Answer(ResponseTo(*task));
    }
  });
  ExpectOk(c, "c");
}

TEST_F(PoolRacesTest, AJournalThatCannotBeIsNotRead) {
  MakePool(1, 3);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c"});
  const auto worker = NextReady();
  const std::vector<TaskRequest> requests = Requests(*worker, 3);
  EXPECT_TRUE(worker->Begin());
  worker->memory().journal_begin = 5;
  worker->memory().journal_end = ~uint64_t{0};
  // The pool looks there meanwhile.
  EXPECT_FALSE(futures[0].WaitWithTimeout(absl::Milliseconds(20)));
  worker->Write(FrameOf(FrameType::kTaskResponse, ResponseTo(requests[0])));
  ExpectOk(futures[0], "a");
  EXPECT_TRUE(worker->Begin());
  worker->memory().journal_end = ~uint64_t{0};
  worker->Exit(ExitStatus::Exited(9));
  ServeNext();
  ExpectLost(futures[1], absl::StatusCode::kUnavailable, "code 9");
  ExpectOk(futures[2], "c");
}

TEST_F(PoolRacesTest, AnAnswerMayComeOneByteAtATime) {
  MakePool(1, 2);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b"});
  const auto worker = executor_.NextWorker();
  for (const char byte : FrameOf(FrameType::kWorkerHello, WorkerHello())) {
    worker->Write(absl::string_view(&byte, 1));
  }
  for (const TaskRequest& request : Requests(*worker, 2)) {
    EXPECT_TRUE(worker->Begin());
    for (const char byte :
         FrameOf(FrameType::kTaskResponse, ResponseTo(request))) {
      worker->Write(absl::string_view(&byte, 1));
    }
  }
  ExpectOk(futures[0], "a");
  ExpectOk(futures[1], "b");
  EXPECT_EQ(executor_.num_started(), 1);
}

// ---- Tasks that are tried again ----

// Where a worker dies that was sent "a", "b" and "c".
struct DeathPoint {
  std::string name;
  std::function<void(ScriptedWorker&, const TaskRequest& a)> script;
  // Of its tasks, those that the next worker gets.
  std::vector<std::string> again;
  // Whether the first of these had begun.
  bool had_begun;
};

std::vector<DeathPoint> DeathPoints() {
  const std::vector<std::string> all = {"a", "b", "c"};
  const std::vector<std::string> rest = {"b", "c"};
  return {
      {"BeforeItBegins", [](ScriptedWorker&, const TaskRequest&) {}, all,
       false},
      {"InTheTask",
       [](ScriptedWorker& worker, const TaskRequest&) {
         EXPECT_TRUE(worker.Begin());
       },
       all, true},
      {"InTheMiddleOfAnAnswer",
       [](ScriptedWorker& worker, const TaskRequest& a) {
         EXPECT_TRUE(worker.Begin());
         const std::string frame =
             FrameOf(FrameType::kTaskResponse, ResponseTo(a));
         worker.Write(frame.substr(0, frame.size() - 1));
       },
       all, true},
      {"InTheMiddleOfAGreatAnswer",
       [](ScriptedWorker& worker, const TaskRequest& a) {
         EXPECT_TRUE(worker.Begin());
         worker.AnswerGreat(a, kFrameHeaderSize + 1);
       },
       all, true},
      {"AfterGarbage",
       [](ScriptedWorker& worker, const TaskRequest&) {
         EXPECT_TRUE(worker.Begin());
         worker.Write("garbage");
       },
       all, true},
      {"WithTheAnswerInTheJournal",
       [](ScriptedWorker& worker, const TaskRequest& a) {
         EXPECT_TRUE(worker.Begin());
         worker.Keep(ResponseTo(a));
       },
       rest, false},
      {"WithHalfTheAnswerInTheJournalOnly",
       [](ScriptedWorker& worker, const TaskRequest& a) {
         EXPECT_TRUE(worker.Begin());
         worker.Keep(ResponseTo(a));
         worker.WriteKept(worker.KeptBytes() / 2);
       },
       rest, false},
      {"WithTheAnswerInThePipe",
       [](ScriptedWorker& worker, const TaskRequest& a) {
         EXPECT_TRUE(worker.Begin());
         worker.Answer(ResponseTo(a));
       },
       rest, false},
      {"InTheNextTask",
       [](ScriptedWorker& worker, const TaskRequest& a) {
         EXPECT_TRUE(worker.Begin());
         worker.Keep(ResponseTo(a));
         EXPECT_TRUE(worker.Begin());
       },
       rest, true},
  };
}

class RetryTest : public PoolRacesTest,
                  public testing::WithParamInterface<DeathPoint> {};

// The next worker gets what is left, in its order, and dies in the first of
// them.
TEST_P(RetryTest, KeepsOrderAndCountsAttempts) {
  ProcessPoolOptions options;
  options.max_attempts = 2;
  MakePool(1, 3, options);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c"});
  const auto first = NextReady();
  const std::vector<TaskRequest> requests = Requests(*first, 3);
  GetParam().script(*first, requests[0]);
  first->Exit(ExitStatus::Exited(9));
  const auto second = NextReady();
  const std::vector<std::string>& again = GetParam().again;
  EXPECT_EQ(TextsOf(Requests(*second, again.size())), again);
  EXPECT_TRUE(second->Begin());
  second->Exit(ExitStatus::Exited(8));
  ServeNext();
  for (size_t i = 0; i < 3; ++i) {
    const std::string text(1, static_cast<char>('a' + i));
    if (text == again[0] && GetParam().had_begun) {
      ExpectLost(futures[i], absl::StatusCode::kUnavailable, "code 8", 2);
    } else {
      ExpectOk(futures[i], text);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RetryTest, testing::ValuesIn(DeathPoints()),
                         [](const testing::TestParamInfo<DeathPoint>& point) {
                           return point.param.name;
                         });

// What it answers after garbage is not believed, and so several had begun.
TEST_F(PoolRacesTest, TasksThatAreLostTogetherAreTriedAgainInTheirOrder) {
  ProcessPoolOptions options;
  options.max_attempts = 2;
  MakePool(1, 4, options);
  const std::vector<SameFuture> futures = SubmitAll({"a", "b", "c", "d"});
  const auto first = NextReady();
  Requests(*first, 4);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(first->Begin());
  first->Write("garbage");
  EXPECT_TRUE(first->WaitForKill());
  const auto second = NextReady();
  EXPECT_THAT(TextsOf(Requests(*second, 4)), ElementsAre("a", "b", "c", "d"));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(second->Begin());
  second->Write("garbage");
  EXPECT_TRUE(second->WaitForKill());
  ServeNext();
  for (size_t i = 0; i < 3; ++i) {
    ExpectLost(futures[i], absl::StatusCode::kDataLoss, "garbage", 2);
  }
  ExpectOk(futures[3], "d");
}

#ifdef __linux__
// In KiB.
int64_t ResidentMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t size = 0;
    if (word == "VmRSS:" && status >> size) return size;
  }
  return 0;
}

TEST_F(PoolRacesTest, MemoryIsNotTakenByWhatIsAnnounced) {
  ProcessPoolOptions options;
  options.max_frame_bytes = size_t{1} << 30;
  options.frame_timeout = absl::Milliseconds(100);
  MakePool(1, 1, options);
  int64_t most = 0;
  const int64_t before = ResidentMemory();
  for (const FrameType type :
       {FrameType::kTaskResponse, FrameType::kAttachment}) {
    const SameFuture future = Submit("a");
    const auto worker = NextReady();
    const TaskRequest request = Task(*worker);
    if (type == FrameType::kAttachment) {
      worker->Write(AnswerBytes(request.task_id(), true));
    }
    worker->set_before_kill([&] { most = std::max(most, ResidentMemory()); });
    worker->Write(MakeFrameHeader(type, 1 << 30) + "the first bytes");
    ExpectLost(future, absl::StatusCode::kDataLoss, "in the middle");
  }
  EXPECT_LT(most - before, 128 << 10);
}
#endif

}  // namespace
}  // namespace multiproc
