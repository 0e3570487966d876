// The parent's view of one worker, with a worker whose every step is the
// test's: what it has said by pipe and journal, in every order, and what it
// should not have said.

#include "multiproc/pool/worker_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "tests/scripted_worker.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Never called: the scripted worker answers in its place.
std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

constexpr size_t kMaxFrameBytes = size_t{1} << 20;

class WorkerProcessTest : public testing::Test {
 protected:
  void SetUp() override { Start(); }

  // Another worker, which has said nothing yet.
  void Start() {
    WorkerProcess::Options options;
    options.config.set_max_frame_bytes(kMaxFrameBytes);
    options.start_timeout = absl::Hours(1);
    options.frame_timeout = absl::Hours(2);
    absl::StatusOr<std::unique_ptr<WorkerProcess>> process =
        WorkerProcess::Start(options, executor_);
    ASSERT_TRUE(process.ok()) << process.status();
    process_ = *std::move(process);
    worker_ = executor_.NextWorker();
    answered_.clear();
  }

  void StartReady() {
    Start();
    worker_->SayHello();
    ASSERT_TRUE(Receive().ok());
    ASSERT_TRUE(process_->ready());
  }

  // Leases the tasks with these ids.
  void Lease(const std::vector<uint64_t>& ids,
             absl::Duration timeout = absl::InfiniteDuration(),
             size_t size = 10) {
    for (const uint64_t id : ids) {
      auto task = std::make_shared<Task>(nullptr);
      task->SetCall(*PackCall(Same, std::string(size, 'x')), 1);
      task->id = id;
      task->timeout = timeout;
      process_->Lease(std::move(task));
    }
    process_->Flush();
  }

  WorkerProcess::AnswerCallback Recorder() {
    return [this](TaskPtr task, TaskResponse& response, PackedBytes) {
      EXPECT_EQ(task->id, response.task_id());
      answered_.push_back(task->id);
    };
  }

  // What the worker has just written is there.
  absl::Status Receive() {
    EXPECT_TRUE(WaitReadable(process_->responses(), kScriptPatience));
    return process_->Receive(~size_t{0}, Recorder());
  }
  absl::Status ReceiveUnwritten() {
    return process_->ReceiveUnwritten(Recorder());
  }
  absl::Status ReceiveSoonest() {
    return process_->ReceiveSoonest(~size_t{0}, Recorder());
  }
  absl::Status ReceiveRest() {
    return process_->ReceiveRest(~size_t{0}, Recorder());
  }

  // The worker begins the next `count` tasks and has their answers in its
  // journal, and nowhere else.
  void Keep(int count) {
    for (int i = 0; i < count; ++i) {
      const std::optional<TaskRequest> task = worker_->NextTask();
      ASSERT_TRUE(task.has_value());
      worker_->Keep(ResponseTo(*task));
    }
  }

  std::vector<uint64_t> TakeBack() {
    std::vector<uint64_t> ids;
    absl::StatusOr<std::vector<TaskPtr>> tasks = process_->TakeBack();
    EXPECT_TRUE(tasks.ok()) << tasks.status();
    for (const TaskPtr& task : *tasks) ids.push_back(task->id);
    process_->Flush();
    return ids;
  }

  ScriptedExecutor executor_;
  std::unique_ptr<WorkerProcess> process_;
  std::shared_ptr<ScriptedWorker> worker_;
  // Whose answers came, in their order.
  std::vector<uint64_t> answered_;
};

// ---- The journal ----

TEST_F(WorkerProcessTest, WhatTheJournalHadIsNotDeliveredAgainByThePipe) {
  StartReady();
  Lease({1, 2, 3});
  Keep(2);
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_THAT(answered_, ElementsAre(1, 2));
  Keep(1);
  worker_->WriteKept();
  EXPECT_TRUE(Receive().ok());
  EXPECT_THAT(answered_, ElementsAre(1, 2, 3));
  EXPECT_TRUE(ReceiveUnwritten().ok());
  Lease({4});
  Keep(1);
  worker_->WriteKept();
  EXPECT_TRUE(Receive().ok());
  EXPECT_THAT(answered_, ElementsAre(1, 2, 3, 4));
}

TEST_F(WorkerProcessTest, AnAnswerIsFoundBeforeItIsWritten) {
  StartReady();
  Lease({1});
  const size_t position = process_->received_bytes();
  EXPECT_FALSE(process_->HasSentFrom(position));
  Keep(1);
  EXPECT_TRUE(process_->HasSentFrom(position));
  EXPECT_TRUE(ReceiveSoonest().ok());
  EXPECT_THAT(answered_, ElementsAre(1));
  EXPECT_FALSE(process_->HasSentFrom(process_->received_bytes()));
}

TEST_F(WorkerProcessTest, WhatIsNotInTheJournalIsFoundInThePipe) {
  Start();
  worker_->SayHello();
  EXPECT_TRUE(WaitReadable(process_->responses(), kScriptPatience));
  EXPECT_TRUE(ReceiveSoonest().ok());
  EXPECT_TRUE(process_->ready());
}

// Of which nobody would know until it is full, and the worker waits.
TEST_F(WorkerProcessTest, WhatWasFoundInTheJournalDoesNotFillThePipe) {
  StartReady();
  std::vector<uint64_t> ids;
  for (uint64_t id = 1; id <= 5000; ++id) {
    ids.push_back(id);
    Lease({id});
    Keep(1);
    EXPECT_TRUE(ReceiveSoonest().ok());
    worker_->WriteKept();
  }
  EXPECT_EQ(answered_, ids);
}

// Wherever the pipe ends, in the middle of a header, too.
TEST_F(WorkerProcessTest, TheJournalGoesOnWhereThePipeEnds) {
  size_t size = 1;
  for (size_t split = 0; split < size; ++split) {
    StartReady();
    Lease({1, 2, 3});
    Keep(2);
    size = worker_->KeptBytes();
    worker_->WriteKept(split);
    if (split > 0) {
      EXPECT_TRUE(Receive().ok());
    }
    EXPECT_TRUE(ReceiveUnwritten().ok());
    EXPECT_THAT(answered_, ElementsAre(1, 2)) << split;
    EXPECT_EQ(process_->frame_deadline(), absl::InfiniteFuture());
    // And the rest once more, with something behind it.
    Keep(1);
    worker_->WriteKept();
    EXPECT_TRUE(Receive().ok());
    EXPECT_THAT(answered_, ElementsAre(1, 2, 3)) << split;
  }
  EXPECT_GT(size, 40);
}

TEST_F(WorkerProcessTest, EveryAnswerOfADeadWorkerIsFoundWhereverItDied) {
  size_t size = 1;
  for (size_t split = 0; split <= size; ++split) {
    for (const bool looked_before : {false, true}) {
      StartReady();
      Lease({1, 2, 3});
      Keep(2);
      size = worker_->KeptBytes();
      if (looked_before) {
        EXPECT_TRUE(ReceiveUnwritten().ok());
      }
      worker_->WriteKept(split);
      worker_->CloseResponses();
      worker_->Exit(ExitStatus::Exited(0));
      EXPECT_TRUE(absl::IsOutOfRange(ReceiveRest()));
      EXPECT_THAT(answered_, ElementsAre(1, 2)) << split;
      EXPECT_EQ(process_->NumBegun(), 0) << "it died between two tasks";
      EXPECT_EQ(process_->num_leases(), 1);
    }
  }
}

TEST_F(WorkerProcessTest, TheTaskThatADeadWorkerHadBegunIsKnown) {
  StartReady();
  Lease({1, 2, 3});
  Keep(1);
  EXPECT_TRUE(worker_->NextTask().has_value());
  worker_->Exit(ExitStatus::Exited(0));
  EXPECT_TRUE(ReceiveRest().ok());
  EXPECT_THAT(answered_, ElementsAre(1));
  EXPECT_EQ(process_->NumBegun(), 1);
  EXPECT_EQ(process_->leases().front()->id, 2);
}

TEST_F(WorkerProcessTest, AnswersOfAWorkerWhoseTasksAreTakenBackAreFound) {
  StartReady();
  Lease({1, 2, 3, 4, 5});
  Keep(2);
  EXPECT_TRUE(worker_->NextTask().has_value());
  EXPECT_THAT(TakeBack(), ElementsAre(4, 5));
  EXPECT_TRUE(process_->taken_back());
  EXPECT_EQ(process_->num_leases(), 3);
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_THAT(answered_, ElementsAre(1, 2));
  worker_->WriteKept();
  EXPECT_TRUE(Receive().ok());
  EXPECT_THAT(answered_, ElementsAre(1, 2)) << "each once";
}

TEST_F(WorkerProcessTest, AWorkerRunsNothingThatWasTakenBack) {
  StartReady();
  Lease({1, 2, 3});
  const std::optional<TaskRequest> first = worker_->NextTask();
  ASSERT_TRUE(first.has_value());
  EXPECT_THAT(TakeBack(), ElementsAre(2, 3));
  EXPECT_THAT(TakeBack(), IsEmpty());
  Lease({4});
  worker_->Answer(ResponseTo(*first));
  EXPECT_TRUE(Receive().ok());
  EXPECT_FALSE(process_->taken_back());
  const std::optional<TaskRequest> next = worker_->NextTask();
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->task_id(), 4);
}

// ---- What is not written yet ----

TEST_F(WorkerProcessTest, TwoLooksDuringOneTaskFindAllThatWasBefore) {
  StartReady();
  Lease({1, 2});
  Keep(1);
  EXPECT_TRUE(worker_->NextTask().has_value());
  EXPECT_FALSE(process_->looked_for_unwritten());
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_THAT(answered_, ElementsAre(1));
  EXPECT_FALSE(process_->looked_for_unwritten());
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_TRUE(process_->looked_for_unwritten());
}

// A worker that is slow to begin has not said all that it will.
TEST_F(WorkerProcessTest, LooksBeforeATaskBeginsAreNotTheLast) {
  StartReady();
  Lease({1, 2});
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_FALSE(process_->looked_for_unwritten());
}

// The task during which there were two looks has ended just before the second.
TEST_F(WorkerProcessTest, ALookThatFindsAnAnswerIsNotTheLast) {
  StartReady();
  Lease({1, 2, 3});
  const std::optional<TaskRequest> first = worker_->NextTask();
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(ReceiveUnwritten().ok());
  worker_->Keep(ResponseTo(*first));
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_THAT(answered_, ElementsAre(1));
  EXPECT_FALSE(process_->looked_for_unwritten());
}

// ---- Deadlines ----

TEST_F(WorkerProcessTest, AWorkerWithoutTasksHasNoDeadlineOnceItIsReady) {
  EXPECT_LT(process_->deadline(), MonotonicNow() + absl::Hours(1));
  worker_->SayHello();
  EXPECT_TRUE(Receive().ok());
  EXPECT_EQ(process_->deadline(), absl::InfiniteFuture());
  Lease({1}, absl::Minutes(1));
  EXPECT_LT(process_->deadline(), MonotonicNow() + absl::Minutes(1));
  Keep(1);
  worker_->WriteKept();
  EXPECT_TRUE(Receive().ok());
  EXPECT_EQ(process_->deadline(), absl::InfiniteFuture());
  process_->Dismiss(absl::Minutes(1));
  EXPECT_LT(process_->deadline(), MonotonicNow() + absl::Minutes(1));
}

TEST_F(WorkerProcessTest, AWorkerWhoseTasksAreAllTakenBackHasNoDeadline) {
  StartReady();
  Lease({1, 2}, absl::Minutes(1));
  EXPECT_THAT(TakeBack(), ElementsAre(1, 2));
  EXPECT_EQ(process_->deadline(), absl::InfiniteFuture());
  EXPECT_FALSE(process_->taken_back()) << "there is no answer to wait for";
}

TEST_F(WorkerProcessTest, TheClockOfATaskStartsWithTheAnswerBeforeIt) {
  StartReady();
  Lease({1}, absl::Minutes(1));
  Lease({2}, absl::Hours(1));
  Keep(1);
  EXPECT_LT(process_->deadline(), MonotonicNow() + absl::Minutes(1));
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_GT(process_->deadline(), MonotonicNow() + absl::Minutes(50));
}

// Its task has ended, however long the answer is on its way; but one that is
// sent drop by drop does not make a worker immortal.
TEST_F(WorkerProcessTest, ATaskWhoseAnswerIsOnItsWayHasNotOverrun) {
  StartReady();
  Lease({1}, absl::Minutes(1), /*size=*/200);
  Lease({2}, absl::Minutes(1));
  const std::optional<TaskRequest> task = worker_->NextTask();
  ASSERT_TRUE(task.has_value());
  worker_->Keep(ResponseTo(*task));
  worker_->WriteKept(100);
  EXPECT_TRUE(Receive().ok());
  EXPECT_GT(process_->deadline(), MonotonicNow() + absl::Minutes(100));
  const absl::Time first_deadline = process_->deadline();
  worker_->WriteKept(50);
  EXPECT_TRUE(Receive().ok());
  EXPECT_EQ(process_->deadline(), first_deadline);
  worker_->WriteKept();
  EXPECT_TRUE(Receive().ok());
  EXPECT_THAT(answered_, ElementsAre(1));
  EXPECT_LT(process_->deadline(), MonotonicNow() + absl::Minutes(1));
}

TEST_F(WorkerProcessTest, AnAnnouncedAttachmentThatDoesNotComeIsAHalfFrame) {
  StartReady();
  Lease({1});
  const std::optional<TaskRequest> task = worker_->NextTask();
  ASSERT_TRUE(task.has_value());
  worker_->AnswerGreat(*task, /*size=*/0);
  EXPECT_TRUE(Receive().ok());
  EXPECT_THAT(answered_, IsEmpty());
  EXPECT_LT(process_->frame_deadline(), MonotonicNow() + absl::Hours(2));
}

// ---- Workers that are wrong ----

struct Violation {
  std::string name;
  std::string bytes;
  absl::StatusCode code;
  std::string message;
};

std::string ResponseBytes(uint64_t task_id, bool attached = false) {
  TaskResponse response;
  response.set_task_id(task_id);
  if (attached) {
    response.set_attached(true);
  } else {
    response.set_result("x");
  }
  return FrameOf(FrameType::kTaskResponse, response);
}

// By a worker that is ready, has tasks 7 and 8, and has begun 7.
std::vector<Violation> Violations() {
  const auto kDataLoss = absl::StatusCode::kDataLoss;
  const auto kTooLong = absl::StatusCode::kResourceExhausted;
  const std::string attachment =
      FrameOf(FrameType::kAttachment, std::string(100, 'a'));
  TaskResponse empty;
  empty.set_task_id(7);
  return {
      {"Garbage", "oh, a printf\n", kDataLoss, "\"oh, a printf\\n\""},
      {"HalfAHeaderOfGarbage", "\xF5x", kDataLoss, "\"\\xf5x\""},
      {"AnotherVersion", std::string("\xF5M\x02\x03\0\0\0\0", 8), kDataLoss,
       "version 2"},
      {"AnUnknownType", std::string("\xF5M\x01\x07\0\0\0\0", 8), kDataLoss,
       "type 7"},
      {"ASecondHello", FrameOf(FrameType::kWorkerHello, WorkerHello()),
       kDataLoss, "type 1"},
      {"ARequest", FrameOf(FrameType::kTaskRequest, TaskRequest()), kDataLoss,
       "type 2"},
      {"ATakeBack", FrameOf(FrameType::kTakeBack, ""), kDataLoss, "type 4"},
      {"AnAttachmentThatNothingAnnounced", attachment, kDataLoss, "type 5"},
      {"AResponseWhereAnAttachmentIsDue",
       ResponseBytes(7, true) + ResponseBytes(7), kDataLoss, "type 3"},
      {"AnEmptyAttachmentTooMany",
       ResponseBytes(7) + FrameOf(FrameType::kAttachment, ""), kDataLoss,
       "type 5"},
      {"ALongFrame", MakeFrameHeader(FrameType::kTaskResponse, 1 + (1 << 20)),
       kTooLong, "1048577 bytes"},
      {"ALongAttachment",
       ResponseBytes(7, true) +
           MakeFrameHeader(FrameType::kAttachment, 0xffffffff),
       kTooLong, "4294967295 bytes"},
      {"NoTaskResponse", FrameOf(FrameType::kTaskResponse, "\xff\xff"),
       kDataLoss, "no TaskResponse"},
      {"AResponseWithoutAnOutcome", FrameOf(FrameType::kTaskResponse, empty),
       kDataLoss, "no TaskResponse"},
      {"AnAnswerToAForeignTask", ResponseBytes(99), kDataLoss,
       "task 99, which is not task 7"},
      {"AnAnswerToTheNextTask", ResponseBytes(8), kDataLoss,
       "task 8, which is not task 7"},
      {"AnAttachmentOfAForeignTask", ResponseBytes(99, true) + attachment,
       kDataLoss, "task 99, which is not task 7"},
      {"ARepeatedAnswer", ResponseBytes(7) + ResponseBytes(7), kDataLoss,
       "task 7, which is not task 8"},
      {"AnAnswerTooMany",
       ResponseBytes(7) + ResponseBytes(8) + ResponseBytes(8), kDataLoss,
       "task 8, which is not its own"},
  };
}

class ViolationTest : public WorkerProcessTest,
                      public testing::WithParamInterface<Violation> {
 protected:
  void SetUp() override {
    StartReady();
    Lease({7, 8});
    ASSERT_TRUE(worker_->NextTask().has_value());
  }

  void ExpectItsMessage(const absl::Status& status) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
  }

  // Nothing that follows is believed.
  void ExpectLost(const absl::Status& status) {
    EXPECT_EQ(status.code(), GetParam().code) << status;
    const std::vector<uint64_t> before = answered_;
    worker_->Write(ResponseBytes(7) + ResponseBytes(8));
    EXPECT_EQ(Receive(), status);
    EXPECT_EQ(ReceiveUnwritten(), status);
    EXPECT_EQ(ReceiveRest(), status);
    EXPECT_EQ(answered_, before);
  }
};

TEST_P(ViolationTest, InOnePiece) {
  worker_->Write(GetParam().bytes);
  const absl::Status status = Receive();
  ExpectLost(status);
  ExpectItsMessage(status);
}

// It may quote less then: garbage is known by its first byte.
TEST_P(ViolationTest, OneByteAtATime) {
  absl::Status status;
  for (const char byte : GetParam().bytes) {
    if (!status.ok()) break;
    worker_->Write(absl::string_view(&byte, 1));
    status = Receive();
  }
  ExpectLost(status);
}

TEST_P(ViolationTest, InTheJournalOfADeadWorker) {
  worker_->KeepBytes(GetParam().bytes);
  worker_->Exit(ExitStatus::Exited(0));
  const absl::Status status = ReceiveRest();
  EXPECT_EQ(status.code(), GetParam().code) << status;
  ExpectItsMessage(status);
}

INSTANTIATE_TEST_SUITE_P(
    All, ViolationTest, testing::ValuesIn(Violations()),
    [](const testing::TestParamInfo<Violation>& violation) {
      return violation.param.name;
    });

TEST_F(WorkerProcessTest, AnAnswerBeforeHelloIsRefused) {
  Lease({1});
  worker_->Write(ResponseBytes(1));
  const absl::Status status = Receive();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("type 3"), HasSubstr("before Hello")));
  EXPECT_EQ(process_->NumBegun(), 0);
}

TEST_F(WorkerProcessTest, ACountOfBegunTasksThatCannotBeIsNotBelieved) {
  for (const uint64_t word : {uint64_t{3}, uint64_t{1} << 31, ~uint64_t{0}}) {
    StartReady();
    Lease({1, 2});
    worker_->memory().gate = word;
    EXPECT_EQ(process_->NumBegun(), 1) << "by the rule of the order";
    EXPECT_TRUE(absl::IsDataLoss(process_->TakeBack().status())) << word;
    EXPECT_EQ(process_->num_leases(), 2);
  }
}

// It answers what it has not begun.
TEST_F(WorkerProcessTest, ACountOfFewerTasksThanWereAnsweredIsNotBelieved) {
  StartReady();
  Lease({1, 2});
  worker_->Write(ResponseBytes(1));
  EXPECT_TRUE(Receive().ok());
  EXPECT_THAT(answered_, ElementsAre(1));
  EXPECT_EQ(process_->NumBegun(), 1);
  EXPECT_TRUE(absl::IsDataLoss(process_->TakeBack().status()));
}

TEST_F(WorkerProcessTest, CountsOfTheJournalThatCannotBeAreNotBelieved) {
  const uint64_t kSize = WorkerMemory::kJournalBytes;
  const std::pair<uint64_t, uint64_t> counts[] = {
      {0, kSize + 1},      {0, ~uint64_t{0}},
      {~uint64_t{0}, 100}, {1, 0},
      {1000, 900},         {1000, 1100},
      {~uint64_t{0}, 0},   {~uint64_t{0} - 5, ~uint64_t{0}}};
  StartReady();
  Lease({1});
  EXPECT_TRUE(worker_->NextTask().has_value());
  for (const auto& [begin, end] : counts) {
    worker_->memory().journal_begin = begin;
    worker_->memory().journal_end = end;
    EXPECT_TRUE(ReceiveUnwritten().ok()) << begin << " to " << end;
  }
  EXPECT_THAT(answered_, IsEmpty());
  worker_->Write(ResponseBytes(1));
  EXPECT_TRUE(Receive().ok());
  EXPECT_THAT(answered_, ElementsAre(1)) << "the pipe is as good as ever";
}

// A journal that goes back to its beginning gives nothing a second time.
TEST_F(WorkerProcessTest, AJournalThatGoesBackwardsGivesNothingTwice) {
  StartReady();
  Lease({1, 2});
  Keep(2);
  const uint64_t begin = worker_->memory().journal_begin;
  const uint64_t end = worker_->memory().journal_end;
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_THAT(answered_, ElementsAre(1, 2));
  worker_->memory().journal_end = begin + (end - begin) / 2;
  EXPECT_TRUE(ReceiveUnwritten().ok());
  worker_->memory().journal_end = end;
  EXPECT_TRUE(ReceiveUnwritten().ok());
  EXPECT_THAT(answered_, ElementsAre(1, 2));
}

}  // namespace
}  // namespace multiproc
