// What stands in a trace: with scripted workers every event, and with real ones
// that it is there, and valid, also after the program was killed.

#include "multiproc/watch/trace_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/pool/resident_memory.h"
#include "tests/backends.h"
#include "tests/json_value.h"
#include "tests/new_fifo.h"
#include "tests/read_file.h"
#include "tests/scripted_worker.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

absl::Status Fail() { return absl::NotFoundError("no \"such\" <file>"); }
MULTIPROC_FUNCTION(Fail);

void Die() { DieBySignal(kSigKill); }
MULTIPROC_FUNCTION(Die);

void Hang() { PauseForEver(); }
MULTIPROC_FUNCTION(Hang);

TraceWriterOptions ByHand() {
  TraceWriterOptions options;
  options.sample_interval = absl::InfiniteDuration();
  return options;
}

std::unique_ptr<TraceWriter> MakeTrace(const std::string& path) {
  absl::StatusOr<std::unique_ptr<TraceWriter>> trace =
      TraceWriter::Create(path, ByHand());
  EXPECT_TRUE(trace.ok()) << trace.status();
  return *std::move(trace);
}

std::unique_ptr<ProcessPool> MakePool(Executor& executor,
                                      PoolObserver& observer) {
  ProcessPoolOptions options;
  options.num_workers = 1;
  options.max_leased_tasks = 4;
  options.executor = &executor;
  options.observers = {&observer};
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  EXPECT_TRUE(pool.ok()) << pool.status();
  return *std::move(pool);
}

// Also of a trace without its end.
std::vector<JsonValue> EventsOf(std::string text) {
  if (!absl::EndsWith(text, "\n]\n")) {
    EXPECT_TRUE(absl::EndsWith(text, "},\n")) << text;
    text.resize(text.size() - 2);
    text += "]";
  }
  std::optional<JsonValue> json = ParseJson(text);
  EXPECT_TRUE(json.has_value()) << text;
  return json.has_value() ? json->items : std::vector<JsonValue>();
}

double NumberOf(const JsonValue& event, absl::string_view name) {
  double number = -1;
  EXPECT_TRUE(absl::SimpleAtod(event.Text(name), &number)) << event.ToString();
  return number;
}

// All but the times: "phase thread name args", and the id of what has one.
std::string TextOf(const JsonValue& event) {
  const std::string id = event.Text("id");
  return absl::StrCat(event.Text("ph"), " ", event.Text("tid"), " ",
                      event.Text("name"), id.empty() ? "" : " #", id, " ",
                      event.Find("args")->ToString());
}

std::vector<std::string> TextsOf(const std::vector<JsonValue>& events,
                                 absl::string_view prefix = "") {
  std::vector<std::string> texts;
  for (const JsonValue& event : events) {
    std::string text = TextOf(event);
    if (absl::StartsWith(text, prefix)) texts.push_back(std::move(text));
  }
  return texts;
}

// ---- Scripted ----

class ScriptedTraceTest : public testing::Test {
 protected:
  std::shared_ptr<ScriptedWorker> NextReady() {
    std::shared_ptr<ScriptedWorker> worker = executor_.NextWorker();
    worker->SayHello();
    return worker;
  }

  // Of the whole file, once the pool is gone.
  std::vector<JsonValue> Finish() {
    pool_ = nullptr;
    EXPECT_EQ(trace_->Finish(), absl::OkStatus());
    return EventsOf(ReadFile(path_));
  }

  const std::string path_ = TempPath("trace.json");
  const std::unique_ptr<TraceWriter> trace_ = MakeTrace(path_);
  ScriptedExecutor executor_;
  std::unique_ptr<ProcessPool> pool_ = MakePool(executor_, *trace_);
};

TEST_F(ScriptedTraceTest, EveryEventOfATaskThatSucceeds) {
  const auto worker = NextReady();
  TaskOptions options;
  options.label = "a \"label\"";
  const auto future = pool_->Submit(options, Same, "x");
  const std::optional<TaskRequest> task = worker->NextTask();
  ASSERT_TRUE(task.has_value());
  TaskResponse response = ResponseTo(*task, absl::Microseconds(1500));
  const absl::Time start = MonotonicNow();
  response.set_start_time_ns(static_cast<uint64_t>(
      absl::ToInt64Nanoseconds(start - absl::UnixEpoch())));
  worker->Answer(response);
  EXPECT_EQ(*future.Get(), "x");
  trace_->Sample();
  pool_->Close();
  EXPECT_FALSE(worker->NextRequest().has_value());
  worker->Exit(ExitStatus::Exited(0));
  EXPECT_EQ(pool_->Join(), absl::OkStatus());
  const std::vector<JsonValue> events = Finish();
  const std::string pid = absl::StrCat(worker->pid());
  EXPECT_THAT(TextsOf(events, "M"),
              ElementsAre("M 0 process_name {name:'multiproc pool'}",
                          "M 0 thread_name {name:'queue'}",
                          "M 1 thread_name {name:'worker 1 (pid " + pid + ")'}",
                          "M 0 process_labels {labels:'complete'}"));
  EXPECT_THAT(TextsOf(events, "b"),
              ElementsAre("b 0 Same #1 {task:1,label:'a \"label\"',bytes:2}"));
  EXPECT_THAT(TextsOf(events, "n"), ElementsAre("n 0 leased #1 {worker:1}"));
  EXPECT_THAT(
      TextsOf(events, "X"),
      ElementsAre("X 1 starting {}", "X 1 Same {task:1,label:'a \"label\"'}"));
  EXPECT_THAT(TextsOf(events, "e"),
              ElementsAre("e 0 Same #1 {task:1,outcome:'succeeded'}"));
  EXPECT_THAT(TextsOf(events, "i"),
              ElementsAre("i 1 started {pid:" + pid + "}",
                          "i 1 closed {exit:'exited with code 0'}"));
  EXPECT_THAT(TextsOf(events, "C 0"),
              ElementsAre(testing::AnyOf("C 0 queue {queued:0,leased:0}",
                                         "C 0 queue {queued:0,leased:1}")));
  for (const JsonValue& event : events) {
    EXPECT_EQ(event.Text("pid"), absl::StrCat(CurrentPid()));
    if (event.Text("ph") == "M") continue;
    EXPECT_GE(NumberOf(event, "ts"), 0);
  }
}

TEST_F(ScriptedTraceTest, ARunIsWhereItsWorkerSaysThatItWas) {
  const auto worker = NextReady();
  const absl::Time origin = MonotonicNow();
  std::vector<Future<std::string>> futures;
  for (int i = 0; i < 2; ++i) {
    futures.push_back(pool_->Submit(Same, "x"));
    const std::optional<TaskRequest> task = worker->NextTask();
    ASSERT_TRUE(task.has_value());
    TaskResponse response = ResponseTo(*task, absl::Nanoseconds(250));
    response.set_start_time_ns(static_cast<uint64_t>(absl::ToInt64Nanoseconds(
        origin + i * absl::Nanoseconds(300) - absl::UnixEpoch())));
    worker->Answer(response);
    EXPECT_TRUE(futures.back().Get().ok());
  }
  pool_->Terminate();
  std::vector<JsonValue> runs = Finish();
  runs.erase(std::remove_if(runs.begin(), runs.end(),
                            [](const JsonValue& event) {
                              return event.Text("cat") != "run";
                            }),
             runs.end());
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].Text("dur"), "0.250");
  EXPECT_NEAR(NumberOf(runs[1], "ts") - NumberOf(runs[0], "ts"), 0.3, 0.0011);
}

TEST_F(ScriptedTraceTest, WhatADeadWorkerTakesAlongIsDrawnAndDoneAgain) {
  const auto first = NextReady();
  TaskOptions options;
  options.max_attempts = 2;
  const auto future = pool_->Submit(options, Same, "x");
  ASSERT_TRUE(first->NextTask().has_value());
  first->Exit(ExitStatus::Exited(3));
  const auto second = NextReady();
  ASSERT_TRUE(second->NextTask().has_value());
  second->Exit(ExitStatus::Signaled(9));
  EXPECT_FALSE(future.Get().ok());
  pool_->Terminate();
  pool_->Join().IgnoreError();
  const std::vector<JsonValue> events = Finish();
  EXPECT_THAT(TextsOf(events, "n"), ElementsAre("n 0 leased #1 {worker:1}",
                                                "n 0 retried #1 {attempt:2}",
                                                "n 0 leased #1 {worker:2}"));
  EXPECT_THAT(TextsOf(events, "X 1"),
              ElementsAre("X 1 starting {}", "X 1 Same {task:1,lost:true}"));
  EXPECT_THAT(
      TextsOf(events, "X 2"),
      ElementsAre(
          "X 2 starting {}",
          HasSubstr("{task:1,attempt:2,lost:true,error:'UNAVAILABLE:")));
  EXPECT_THAT(TextsOf(events, "e"),
              ElementsAre(HasSubstr("outcome:'lost',error:'UNAVAILABLE:")));
  const std::string pid = absl::StrCat(second->pid());
  EXPECT_THAT(TextsOf(events, "i 1"),
              ElementsAre(HasSubstr("started"),
                          "i 1 crashed {exit:'exited with code 3'}"));
  EXPECT_THAT(TextsOf(events, "i 2"),
              ElementsAre("i 2 started {pid:" + pid + "}",
                          HasSubstr("i 2 crashed {exit:'")));
}

TEST_F(ScriptedTraceTest, QueuedAndLeasedTasksAreCounted) {
  const auto worker = executor_.NextWorker();
  for (int i = 0; i < 6; ++i) pool_->Submit(Same, "x");
  worker->SayHello();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(worker->NextTask().has_value());
  // What the pool knows was told once it has ended.
  pool_->Terminate();
  pool_->Join().IgnoreError();
  trace_->Sample();
  trace_->Sample();
  const std::vector<JsonValue> events = Finish();
  EXPECT_THAT(TextsOf(events, "C 0"),
              ElementsAre("C 0 queue {queued:0,leased:0}"))
      << "and what has not changed is not said again";
  EXPECT_EQ(TextsOf(events, "e").size(), 6u);
  for (const std::string& end : TextsOf(events, "e")) {
    EXPECT_THAT(end, HasSubstr("outcome:'cut_off'"));
  }
}

TEST(TraceWriterTest, TheCountersOfTasksByHand) {
  const std::string path = TempPath("trace.json");
  const auto trace = MakeTrace(path);
  ObservedTask task;
  const absl::Time now = MonotonicNow();
  for (task.id = 1; task.id <= 3; ++task.id) trace->OnSubmitted(now, task);
  task.id = 1;
  task.worker_id = 1;
  trace->OnLeased(now, task);
  task.id = 2;
  trace->OnLeased(now, task);
  trace->Sample();
  trace->OnTakenBack(now, task);
  trace->Sample();
  task.id = 1;
  trace->OnAnswered(now, task, TaskRun());
  trace->OnEnded(now, task, &TaskCounts::succeeded, absl::OkStatus());
  trace->Sample();
  EXPECT_EQ(trace->Finish(), absl::OkStatus());
  EXPECT_THAT(TextsOf(EventsOf(ReadFile(path)), "C"),
              ElementsAre("C 0 queue {queued:1,leased:2}",
                          "C 0 queue {queued:2,leased:1}",
                          "C 0 queue {queued:2,leased:0}"));
}

// ---- The file ----

TEST(TraceWriterTest, AFileThatCantBeMadeIsAnError) {
  const auto trace = TraceWriter::Create("no/such/folder/trace.json");
  EXPECT_EQ(trace.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(trace.status().message()),
              HasSubstr("no/such/folder/trace.json"));
}

TEST(TraceWriterTest, ADiskThatIsFullIsAnError) {
  if (!std::ifstream("/dev/full")) {
    GTEST_SKIP() << "there is no /dev/full here";
  }
  const auto trace = TraceWriter::Create("/dev/full", ByHand());
  ASSERT_TRUE(trace.ok());
  (*trace)->OnWorkerStarted(MonotonicNow(), {1, 1});
  (*trace)->OnCaughtUp();
  EXPECT_EQ((*trace)->Finish().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ((*trace)->Finish().code(), absl::StatusCode::kUnavailable);
}

TEST(TraceWriterTest, ATraceOfNothingIsWhole) {
  const std::string path = TempPath("trace.json");
  EXPECT_EQ(MakeTrace(path)->Finish(), absl::OkStatus());
  EXPECT_EQ(TextsOf(EventsOf(ReadFile(path))).size(), 3u);
}

TEST(TraceWriterTest, WhatIsToldIsWrittenWhenNothingElseWaits) {
  const std::string path = TempPath("trace.json");
  const auto trace = MakeTrace(path);
  trace->OnWorkerStarted(MonotonicNow(), {7, CurrentPid()});
  EXPECT_THAT(TextsOf(EventsOf(ReadFile(path)), "i"), IsEmpty());
  trace->OnCaughtUp();
  EXPECT_EQ(TextsOf(EventsOf(ReadFile(path)), "i").size(), 1u);
}

TEST(TraceWriterTest, MuchIsWrittenBeforeThat) {
  const std::string path = TempPath("trace.json");
  const auto trace = MakeTrace(path);
  for (int i = 0; i < 2000; ++i) {
    trace->OnWorkerKilled(MonotonicNow(), {7, CurrentPid()}, absl::OkStatus());
  }
  EXPECT_GT(ReadFile(path).size(), size_t{100'000});
}

TEST(TraceWriterTest, MemoryIsCounted) {
  if (!ResidentBytes(CurrentPid()).has_value()) {
    GTEST_SKIP() << "this system does not tell";
  }
  const std::string path = TempPath("trace.json");
  const auto trace = MakeTrace(path);
  trace->OnWorkerStarted(MonotonicNow(), {7, CurrentPid()});
  trace->Sample();
  trace->OnWorkerEnded(MonotonicNow(), {7, CurrentPid()}, &WorkerEnds::idle,
                       ExitStatus::Exited(0));
  trace->Sample();
  EXPECT_THAT(TextsOf(EventsOf(ReadFile(path)), "C 7"),
              ElementsAre(testing::AllOf(
                  testing::StartsWith("C 7 memory of worker 7 {MiB:"),
                  testing::Not(HasSubstr(":0.0}")))));
}

// ---- On every backend ----

// Leaves a trace of five tasks, says so, and waits for its end.
void TraceUntilKilled(const std::string& path, const std::string& fifo) {
  const auto trace = MakeTrace(path);
  const auto pool = MakePool(**DefaultExecutor(), *trace);
  for (int i = 0; i < 5; ++i) pool->Submit(Same, "x");
  pool->Close();
  pool->Join().IgnoreError();
  WriteFifo(fifo, "");
  PauseForEver();
}
MULTIPROC_FUNCTION(TraceUntilKilled);

class TraceTest : public BackendTest {
 protected:
  const std::string path_ = TempPath("trace.json");
};

TEST_P(TraceTest, RealWorkersLeaveAWholeTrace) {
  const auto trace = MakeTrace(path_);
  auto pool = MakePool(executor(), *trace);
  MapOptions map;
  map.chunk_size = 2;
  EXPECT_TRUE(pool->Map(map, Same, std::vector<std::string>(5)).ok());
  EXPECT_FALSE(pool->Submit(Fail).Get().ok());
  EXPECT_FALSE(pool->Submit(Die).Get().ok());
  // Long enough to be begun, wherever: else another worker has it next.
  TaskOptions timeout;
  timeout.timeout = absl::Milliseconds(500);
  EXPECT_FALSE(pool->Submit(timeout, Hang).Get().ok());
  trace->Sample();
  pool = nullptr;
  EXPECT_EQ(trace->Finish(), absl::OkStatus());
  const std::vector<JsonValue> events = EventsOf(ReadFile(path_));
  EXPECT_EQ(TextsOf(events, "b").size(), 6u);
  EXPECT_EQ(TextsOf(events, "e").size(), 6u);
  EXPECT_THAT(TextsOf(events, "X 1 Fail"),
              ElementsAre("X 1 Fail {task:4,error:'NOT_FOUND: no \"such\" "
                          "<file>'}"));
  EXPECT_THAT(TextsOf(events, "X 1 Die"),
              ElementsAre(HasSubstr("{task:5,lost:true,error:'UNAVAILABLE:")));
  EXPECT_THAT(
      TextsOf(events, "X 2 Hang"),
      ElementsAre(HasSubstr("{task:6,lost:true,error:'DEADLINE_EXCEEDED:")));
  EXPECT_THAT(TextsOf(events, "i 2"),
              ElementsAre(HasSubstr("i 2 started"),
                          HasSubstr("i 2 killed {reason:'DEADLINE_EXCEEDED:"),
                          HasSubstr("i 2 timed_out {exit:'")));
  for (const JsonValue& event : events) {
    if (event.Text("ph") != "X") continue;
    EXPECT_GE(NumberOf(event, "dur"), 0);
  }
}

TEST_P(TraceTest, ATraceIsValidAfterItsProgramWasKilled) {
  const std::string fifo = NewFifo();
  absl::StatusOr<Process> program =
      executor().Spawn(Command::Function(TraceUntilKilled, path_, fifo));
  ASSERT_TRUE(program.ok()) << program.status();
  ReadFifo(fifo);
  EXPECT_TRUE(program->Kill().ok());
  EXPECT_TRUE(program->Wait().ok());
  const std::string text = ReadFile(path_);
  EXPECT_FALSE(absl::EndsWith(text, "]\n"));
  const std::vector<JsonValue> events = EventsOf(text);
  EXPECT_EQ(TextsOf(events, "e").size(), 5u);
  EXPECT_EQ(TextsOf(events, "i 1 closed").size(), 1u);
}

MULTIPROC_FOR_EVERY_BACKEND(TraceTest);

}  // namespace
}  // namespace multiproc
