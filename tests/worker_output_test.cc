// What the workers of a pool write, captured, on every backend.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#ifndef _WIN32
#include <fcntl.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/log/initialize.h"
#include "absl/log/log.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/current_task.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/pool/standard_stream.h"
#include "multiproc/pool/worker_output.h"
#include "tests/backends.h"
#include "tests/new_fifo.h"
#include "tests/process_state.h"
#include "tests/read_file.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Stream = WorkerOutput::Stream;

constexpr Stream kBoth[] = {Stream::kStdout, Stream::kStderr};

// ---- Tasks ----

int64_t TaskId() { return static_cast<int64_t>(CurrentTask().id()); }

int64_t Pid() { return CurrentPid(); }
MULTIPROC_FUNCTION(Pid);

int64_t Square(int64_t n) { return n * n; }
MULTIPROC_FUNCTION(Square);

void WriteRaw(Stream stream, absl::string_view bytes) {
  WriteWhole(StandardStream(stream), bytes);
}

// The same from all that prints; returns its id.
int64_t PrintByAll() {
  std::printf("printf\n");
  std::cout << "cout\n";
  std::fflush(stdout);
  WriteRaw(Stream::kStdout, "write\n");
  std::fprintf(stderr, "fprintf\n");
  std::cerr << "cerr\n";
  WriteRaw(Stream::kStderr, "write\n");
  std::clog << "clog\n";
  std::printf("not flushed\n");
  return TaskId();
}
MULTIPROC_FUNCTION(PrintByAll);

// To both streams, as it is.
int64_t Write(const std::string& bytes) {
  for (const Stream stream : kBoth) WriteRaw(stream, bytes);
  return TaskId();
}
MULTIPROC_FUNCTION(Write);

// Its id, in half of the tasks without a newline.
int64_t PrintId() {
  const int64_t id = TaskId();
  const char* const end = id % 2 == 0 ? "\n" : "";
  std::printf("%d%s", static_cast<int>(id), end);
  std::cerr << id << end;
  return id;
}
MULTIPROC_FUNCTION(PrintId);

void Say(const std::string& text) { std::cout << text << "\n"; }
MULTIPROC_FUNCTION(Say);

void SayError(const std::string& text) { std::cerr << text << "\n"; }
MULTIPROC_FUNCTION(SayError);

absl::StatusOr<int64_t> RunChild(const std::string& what) {
  const absl::StatusOr<Executor*> executor = DefaultExecutor();
  if (!executor.ok()) return executor.status();
  absl::StatusOr<Process> process =
      (*executor)->Spawn(Command::Program(std::getenv("TEST_CHILD"), {what}));
  if (!process.ok()) return process.status();
  const absl::StatusOr<ExitStatus> end = process->Wait();
  if (!end.ok()) return end.status();
  return TaskId();
}
MULTIPROC_FUNCTION(RunChild);

// Dies, and leaves a process that has its streams.
absl::Status LeaveAChild() {
  const absl::StatusOr<Executor*> executor = DefaultExecutor();
  if (!executor.ok()) return executor.status();
  absl::StatusOr<Process> process = (*executor)->Spawn(
      Command::Program(std::getenv("TEST_CHILD"), {"pause"}));
  if (!process.ok()) return process.status();
  std::cout << process->pid() << std::endl;
  std::cerr << "left" << std::endl;
  DieBySignal(kSigKill);
}
MULTIPROC_FUNCTION(LeaveAChild);

void WriteAndDie(const std::string& text, int signal) {
  WriteRaw(Stream::kStderr, text);
  DieBySignal(signal);
}
MULTIPROC_FUNCTION(WriteAndDie);

void WriteAndPause(const std::string& text) {
  WriteRaw(Stream::kStderr, text);
  PauseForEver();
}
MULTIPROC_FUNCTION(WriteAndPause);

void WriteAndExit(const std::string& text) {
  WriteRaw(Stream::kStderr, text);
  std::printf("flushed by exit\n");
  std::exit(3);
}
MULTIPROC_FUNCTION(WriteAndExit);

void Abort() {
  std::fprintf(stderr, "model.cc:12: Assertion `n > 0' failed.\n");
  std::abort();
}
MULTIPROC_FUNCTION(Abort);

// So many lines, numbered.
void WriteLines(int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    std::printf("%060d\n", static_cast<int>(i));
  }
}
MULTIPROC_FUNCTION(WriteLines);

void WriteForEver() {
  while (true) std::printf("%060d\n", 0);
}
MULTIPROC_FUNCTION(WriteForEver);

// Leads stdout elsewhere.
void Redirect(const std::string& path) {
  if (std::freopen(path.c_str(), "wb", stdout) == nullptr) std::abort();
  std::printf("redirected\n");
}
MULTIPROC_FUNCTION(Redirect);

void LogAll(const std::string& text) {
  LOG(INFO) << "info " << text;
  LOG(WARNING) << "warning " << text;
  LOG(ERROR) << "error " << text;
}
MULTIPROC_FUNCTION(LogAll);

void LogFatal() { LOG(FATAL) << "fatal on purpose"; }
MULTIPROC_FUNCTION(LogFatal);

#ifndef _WIN32
// Makes stdout non-blocking, and writes until it is full; tells how many bytes.
void FillNonBlocking(const std::string& fifo) {
  fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK | fcntl(STDOUT_FILENO, F_GETFL));
  const std::string line = std::string(99, 'f') + "\n";
  int64_t written = 0;
  ssize_t size = write(STDOUT_FILENO, line.data(), line.size());
  while (size > 0) {
    written += size;
    size = write(STDOUT_FILENO, line.data(), line.size());
  }
  WriteFifo(fifo, absl::StrCat(written));
}
MULTIPROC_FUNCTION(FillNonBlocking);

void CloseStreams() { CloseStandardStreams(); }
MULTIPROC_FUNCTION(CloseStreams);
#endif

// ---- Pools within a worker ----

absl::Status InnerPool(bool captures, bool tags) {
  ProcessPoolOptions options;
  options.num_workers = 1;
  options.tag_logs = tags;
  if (captures) {
    options.on_output = [](const WorkerOutput& output) {
      std::cout << "inner task " << output.task_id << ": " << output.line
                << std::endl;
    };
  }
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  if (!pool.ok()) return pool.status();
  absl::Status status = (*pool)->Submit(Say, "said within").Get();
  status.Update((*pool)->Submit(LogAll, "within").Get());
  (*pool)->Close();
  status.Update((*pool)->Join());
  return status;
}
MULTIPROC_FUNCTION(InnerPool);

// ---- The fixture ----

// What came to a pool's callback.
class Recorder {
 public:
  void Add(const WorkerOutput& output) {
    absl::MutexLock lock(&mutex_);
    outputs_.push_back(output);
  }

  std::vector<WorkerOutput> outputs() const {
    absl::MutexLock lock(&mutex_);
    return outputs_;
  }

  // Of one stream, and of one task or all.
  std::vector<std::string> Lines(
      Stream stream, std::optional<int64_t> task_id = std::nullopt) const {
    std::vector<std::string> lines;
    for (const WorkerOutput& output : outputs()) {
      const bool wanted = !task_id.has_value() ||
                          output.task_id == static_cast<uint64_t>(*task_id);
      if (output.stream == stream && wanted) lines.push_back(output.line);
    }
    return lines;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<WorkerOutput> outputs_ ABSL_GUARDED_BY(mutex_);
};

class WorkerOutputTest : public BackendTest {
 protected:
  void SetUp() override {
    // What is made once, and kept, is made now.
    [[maybe_unused]] static const auto once =
        MakePool(Options(1))->Submit(Square, 1).Get();
    before_ = ProcessState::Now();
  }

  // No test may leave anything behind.
  void TearDown() override { EXPECT_EQ(LeftBehindSince(before_), ""); }

  ProcessPoolOptions Options(int num_workers) {
    ProcessPoolOptions options;
    options.num_workers = num_workers;
    options.executor = &executor();
    options.on_output = [this](const WorkerOutput& output) {
      recorder_.Add(output);
    };
    return options;
  }

  std::unique_ptr<ProcessPool> MakePool(const ProcessPoolOptions& options) {
    absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
        ProcessPool::Create(options);
    EXPECT_TRUE(pool.ok()) << pool.status();
    return pool.ok() ? *std::move(pool) : nullptr;
  }

  // All lines are there after it.
  static void Finish(ProcessPool& pool) {
    pool.Close();
    const absl::Status status = pool.Join();
    EXPECT_TRUE(status.ok()) << status;
  }

  std::vector<std::string> Lines(
      Stream stream, std::optional<int64_t> task_id = std::nullopt) const {
    return recorder_.Lines(stream, task_id);
  }

  ProcessState before_;
  Recorder recorder_;
};

// ---- Lines ----

TEST_P(WorkerOutputTest, AllThatIsPrintedComesInOrder) {
  const auto pool = MakePool(Options(1));
  const int64_t pid = *pool->Submit(Pid).Get();
  TaskOptions options;
  options.label = "May";
  const int64_t id = *pool->Submit(options, PrintByAll).Get();
  Finish(*pool);
  EXPECT_THAT(Lines(Stream::kStdout),
              ElementsAre("printf", "cout", "write", "not flushed"));
  EXPECT_THAT(Lines(Stream::kStderr),
              ElementsAre("fprintf", "cerr", "write", "clog"));
  for (const WorkerOutput& output : recorder_.outputs()) {
    EXPECT_EQ(output.worker_id, 1);
    EXPECT_EQ(output.worker_pid, pid);
    EXPECT_EQ(output.task_id, id);
    EXPECT_EQ(output.label, "May");
  }
}

TEST_P(WorkerOutputTest, WhatAChildOfTheTaskPrintsIsTheTasks) {
  const auto pool = MakePool(Options(1));
  const absl::StatusOr<int64_t> id = pool->Submit(RunChild, "both").Get();
  ASSERT_TRUE(id.ok()) << id.status();
  Finish(*pool);
  EXPECT_THAT(Lines(Stream::kStdout, *id), ElementsAre("out"));
  EXPECT_THAT(Lines(Stream::kStderr, *id), ElementsAre("err"));
  EXPECT_EQ(recorder_.outputs().size(), 2);
}

TEST_P(WorkerOutputTest, EachLineIsOfItsTaskThoughManyAreLeased) {
  for (const int num_workers : {1, 2}) {
    ProcessPoolOptions options = Options(num_workers);
    options.max_leased_tasks = 100;
    Recorder recorder;
    options.on_output = [&](const WorkerOutput& line) { recorder.Add(line); };
    const auto pool = MakePool(options);
    std::vector<Future<int64_t>> futures;
    for (int i = 0; i < 200; ++i) {
      TaskOptions task;
      if (i % 3 == 0) task.label = absl::StrCat("label ", i + 1);
      futures.push_back(pool->Submit(task, PrintId));
    }
    Finish(*pool);
    EXPECT_EQ(recorder.outputs().size(), 400);
    for (const auto& future : futures) {
      const int64_t id = *future.Get();
      for (const Stream stream : kBoth) {
        EXPECT_THAT(recorder.Lines(stream, id), ElementsAre(absl::StrCat(id)));
      }
    }
    for (const WorkerOutput& output : recorder.outputs()) {
      EXPECT_EQ(output.label, output.task_id % 3 == 1
                                  ? absl::StrCat("label ", output.task_id)
                                  : "");
    }
  }
}

TEST_P(WorkerOutputTest, WhatHooksPrintIsOfNoTask) {
  ProcessPoolOptions options = Options(1);
  options.initializer = WorkerHook::Of(Say, "begin");
  options.finalizer = WorkerHook::Of(SayError, "end");
  const auto pool = MakePool(options);
  const int64_t id = *pool->Submit(PrintId).Get();
  Finish(*pool);
  EXPECT_THAT(Lines(Stream::kStdout, 0), ElementsAre("begin"));
  EXPECT_THAT(Lines(Stream::kStdout, id), ElementsAre(absl::StrCat(id)));
  EXPECT_THAT(Lines(Stream::kStderr, 0), ElementsAre("end"));
}

TEST_P(WorkerOutputTest, BytesComeAsTheyAre) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    if (byte != '\n') bytes.push_back(static_cast<char>(byte));
  }
  const auto pool = MakePool(Options(1));
  const int64_t id = *pool->Submit(Write, bytes + "\n\n" + bytes).Get();
  Finish(*pool);
  for (const Stream stream : kBoth) {
    EXPECT_THAT(Lines(stream, id), ElementsAre(bytes, "", bytes));
  }
}

TEST_P(WorkerOutputTest, AVeryLongLineComesInParts) {
  const std::string line(size_t{1} << 20, 'l');
  const auto pool = MakePool(Options(1));
  const int64_t id = *pool->Submit(Write, line + "x\nnext\n").Get();
  Finish(*pool);
  for (const Stream stream : kBoth) {
    std::vector<std::string> lines = Lines(stream, id);
    ASSERT_EQ(lines.size(), 18);
    for (size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(lines[i].size(), WorkerOutput::kMostLineBytes);
    }
    EXPECT_EQ(lines.back(), "next");
    lines.pop_back();
    EXPECT_TRUE(absl::StrJoin(lines, "") == line + "x");
  }
}

TEST_P(WorkerOutputTest, EachWorkerHasItsOwn) {
  const auto pool = MakePool(Options(2));
  const auto pids = *pool->Broadcast(Pid);
  const auto ids = *pool->Broadcast(PrintId);
  ASSERT_EQ(ids.size(), 2);
  Finish(*pool);
  std::set<uint64_t> workers;
  for (size_t i = 0; i < 2; ++i) {
    for (const WorkerOutput& output : recorder_.outputs()) {
      if (output.task_id != static_cast<uint64_t>(*ids[i].Get())) continue;
      EXPECT_EQ(output.worker_pid, *pids[i].Get());
      EXPECT_EQ(output.worker_id, i + 1);
      workers.insert(output.worker_id);
    }
  }
  EXPECT_EQ(workers.size(), 2);
}

TEST_P(WorkerOutputTest, NoMarkersWhereATaskLeadsItsStreams) {
  const std::string path = TempPath("redirected");
  const auto pool = MakePool(Options(1));
  ASSERT_TRUE(pool->Submit(Redirect, path).Get().ok());
  const int64_t id = *pool->Submit(PrintId).Get();
  Finish(*pool);
  EXPECT_THAT(Lines(Stream::kStdout), IsEmpty());
  EXPECT_THAT(Lines(Stream::kStderr, id), ElementsAre(absl::StrCat(id)));
  EXPECT_THAT(ReadFile(path), HasSubstr("redirected"));
  EXPECT_EQ(ReadFile(path).size(),
            absl::StrCat("redirected\n", id, id % 2 == 0 ? "\n" : "").size());
}

// ---- Deaths ----

TEST_P(WorkerOutputTest, ALostTaskTellsWhatItWroteLast) {
  const auto pool = MakePool(Options(1));
  ASSERT_TRUE(pool->Submit(Write, "of another task\n").Get().ok());
  for (const int signal : {6, kSigKill}) {
    const absl::Status status =
        pool->Submit(WriteAndDie,
                     "first\nloading \"m\"\n    @ 0x1 frame\nbad model", signal)
            .Get();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    const auto failure = GetTaskFailure(status);
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->stderr_tail(),
              "first\nloading \"m\"\n    @ 0x1 frame\nbad model\n");
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(R"(; it wrote last: "loading \"m\"\nbad model")"));
    EXPECT_THAT(
        Lines(Stream::kStderr, static_cast<int64_t>(failure->task_id())),
        Each(Not("of another task")));
  }
  // Its lines come, too.
  Finish(*pool);
  EXPECT_THAT(Lines(Stream::kStderr), Contains("bad model").Times(2));
}

TEST_P(WorkerOutputTest, ATaskThatWroteNothingHasNoLastWords) {
  const auto pool = MakePool(Options(1));
  ASSERT_TRUE(pool->Submit(Write, "of another task\n").Get().ok());
  const absl::Status status = pool->Submit(WriteAndDie, "", kSigKill).Get();
  EXPECT_EQ(GetTaskFailure(status)->stderr_tail(), "");
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("wrote")));
}

TEST_P(WorkerOutputTest, ATaskThatExitsTellsToo) {
  const auto pool = MakePool(Options(1));
  const absl::Status status = pool->Submit(WriteAndExit, "giving up\n").Get();
  const auto failure = GetTaskFailure(status);
  ASSERT_TRUE(failure.has_value()) << status;
  EXPECT_EQ(failure->exit_code(), 3);
  EXPECT_EQ(failure->stderr_tail(), "giving up\n");
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"giving up\""));
  Finish(*pool);
  EXPECT_THAT(Lines(Stream::kStderr), ElementsAre("giving up"));
}

TEST_P(WorkerOutputTest, AnAssertionsTextIsInTheError) {
  const auto pool = MakePool(Options(1));
  const absl::Status status = pool->Submit(Abort).Get();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("model.cc:12: Assertion `n > 0' failed."));
  EXPECT_THAT(GetTaskFailure(status)->stderr_tail(),
              StartsWith("model.cc:12: Assertion `n > 0' failed.\n"));
}

TEST_P(WorkerOutputTest, TheTailIsTheLast4KiB) {
  std::string text;
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&text, i, "\n");
  const auto pool = MakePool(Options(1));
  const absl::Status status = pool->Submit(WriteAndDie, text, kSigKill).Get();
  EXPECT_EQ(GetTaskFailure(status)->stderr_tail(),
            text.substr(text.size() - 4096));
  Finish(*pool);
  EXPECT_EQ(Lines(Stream::kStderr).size(), 100000);
  EXPECT_EQ(Lines(Stream::kStderr).back(), "99999");
  EXPECT_THAT(std::string(status.message()), HasSubstr(R"("99998\n99999")"));
}

TEST_P(WorkerOutputTest, ATaskThatThePoolKillsTellsToo) {
  absl::Notification wrote;
  ProcessPoolOptions options = Options(1);
  options.cancel_grace = absl::ZeroDuration();
  options.on_output = [&](const WorkerOutput&) { wrote.Notify(); };
  const auto pool = MakePool(options);
  const Future<void> future = pool->Submit(WriteAndPause, "step 3\n");
  wrote.WaitForNotification();
  EXPECT_TRUE(future.Cancel());
  const absl::Status status = future.Get();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(GetTaskFailure(status)->stderr_tail(), "step 3\n");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("; it wrote last: \"step 3\""));
}

TEST_P(WorkerOutputTest, WorkersThatCanNotStartTellWhy) {
  ProcessPoolOptions options = Options(1);
  options.initializer = WorkerHook::Of(WriteAndDie, "no licence\n", kSigKill);
  const auto pool = MakePool(options);
  const absl::Status status = pool->Submit(Pid).Get().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("in a row"),
                    HasSubstr(R"(it wrote last: "no licence")")));
  pool->Close();
  EXPECT_EQ(pool->Join(), status);
  // The next may be started when one has closed its channel, before its exit.
  EXPECT_THAT(Lines(Stream::kStderr, 0),
              AllOf(SizeIs(Ge(6)), Each("no licence")));
}

// Which has the pipes, so that they have no end.
TEST_P(WorkerOutputTest, AWorkersChildThatLivesOnIsNotWaitedFor) {
  const auto pool = MakePool(Options(1));
  const absl::Status status = pool->Submit(LeaveAChild).Get();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(GetTaskFailure(status)->stderr_tail(), "left\n");
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
  Finish(*pool);
  ASSERT_EQ(Lines(Stream::kStdout).size(), 1);
  int64_t pid = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Lines(Stream::kStdout)[0], &pid));
  // Where it is not gone with the worker.
  KillPid(pid).IgnoreError();
}

// ---- The callback ----

// Until the test lets it go on.
class SlowCallback {
 public:
  ~SlowCallback() { Release(); }
  void Wait() {
    if (!reached_.HasBeenNotified()) reached_.Notify();
    released_.WaitForNotification();
  }
  void AwaitReached() { reached_.WaitForNotification(); }
  void Release() {
    if (!released_.HasBeenNotified()) released_.Notify();
  }

 private:
  absl::Notification reached_;
  absl::Notification released_;
};

TEST_P(WorkerOutputTest, ASlowCallbackHoldsUpThoseWhoWriteAlone) {
  constexpr int64_t kLines = 100000;
  SlowCallback slow;
  ProcessPoolOptions options = Options(2);
  options.on_output = [&](const WorkerOutput& output) {
    recorder_.Add(output);
    slow.Wait();
  };
  const auto pool = MakePool(options);
  const Future<void> writes = pool->Submit(WriteLines, kLines);
  slow.AwaitReached();
  for (int64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(*pool->Submit(Square, i).Get(), i * i);
  }
  // 6 MB are more than what is kept.
  EXPECT_FALSE(writes.WaitWithTimeout(absl::ZeroDuration()));
  slow.Release();
  EXPECT_TRUE(writes.Get().ok());
  Finish(*pool);
  const std::vector<std::string> lines = Lines(Stream::kStdout);
  ASSERT_EQ(lines.size(), kLines);
  for (size_t i = 0; i < lines.size(); ++i) {
    int64_t number = -1;
    ASSERT_TRUE(absl::SimpleAtoi(lines[i], &number));
    ASSERT_EQ(number, i);
  }
}

TEST_P(WorkerOutputTest, AWorkerThatWaitsForTheCallbackCanBeKilled) {
  SlowCallback slow;
  ProcessPoolOptions options = Options(1);
  options.on_output = [&](const WorkerOutput&) { slow.Wait(); };
  const auto pool = MakePool(options);
  TaskOptions task;
  task.timeout = absl::Milliseconds(500);
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = pool->Submit(task, WriteForEver).Get();
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  }
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
  slow.Release();
  Finish(*pool);
}

TEST_P(WorkerOutputTest, ACallbackMaySubmitAndMustNotJoin) {
  std::unique_ptr<ProcessPool> pool;
  absl::Notification made;
  absl::Status joined;
  Future<int64_t> submitted;
  ProcessPoolOptions options = Options(1);
  options.on_output = [&](const WorkerOutput& output) {
    made.WaitForNotification();
    submitted = pool->Submit(Square, static_cast<int64_t>(output.line.size()));
    pool->Close();
    joined = pool->Join();
  };
  pool = MakePool(options);
  const Future<void> said = pool->Submit(Say, "seven  ");
  made.Notify();
  EXPECT_TRUE(said.Get().ok());
  while (!absl::IsFailedPrecondition(pool->Submit(Pid).Get().status())) {
  }
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(joined)) << joined;
  EXPECT_EQ(*submitted.Get(), 49);
}

// ---- Streams that a task has changed ----

#ifndef _WIN32
TEST_P(WorkerOutputTest, ATaskMayMakeItsStreamsNonBlocking) {
  SlowCallback slow;
  ProcessPoolOptions options = Options(1);
  options.on_output = [&](const WorkerOutput& output) {
    recorder_.Add(output);
    slow.Wait();
  };
  const auto pool = MakePool(options);
  const std::string fifo = NewFifo();
  const Future<void> fills = pool->Submit(FillNonBlocking, fifo);
  // There may be no room for the end of the task by now.
  const std::string bytes = ReadFifo(fifo);
  slow.Release();
  EXPECT_TRUE(fills.Get().ok());
  const int64_t id = *pool->Submit(PrintId).Get();
  Finish(*pool);
  // Of up to PIPE_BUF bytes all is written, or nothing (write(3p)).
  EXPECT_EQ(absl::StrCat(Lines(Stream::kStdout, 1).size() * 100), bytes);
  EXPECT_THAT(Lines(Stream::kStdout, 1), Each(std::string(99, 'f')));
  EXPECT_THAT(Lines(Stream::kStdout, id), ElementsAre(absl::StrCat(id)));
}

TEST_P(WorkerOutputTest, ATaskMayCloseItsStreams) {
  const auto pool = MakePool(Options(1));
  const int64_t id = *pool->Submit(PrintId).Get();
  EXPECT_TRUE(pool->Submit(CloseStreams).Get().ok());
  EXPECT_EQ(*pool->Submit(Square, 3).Get(), 9);
  Finish(*pool);
  EXPECT_THAT(Lines(Stream::kStdout), ElementsAre(absl::StrCat(id)));
}
#endif

// ---- Without a callback, and within a worker ----

TEST_P(WorkerOutputTest, WithoutACallbackWorkersHaveTheParentsStreams) {
  const auto pool = MakePool(Options(1));
  const absl::Status status = pool->Submit(InnerPool, false, false).Get();
  ASSERT_TRUE(status.ok()) << status;
  Finish(*pool);
  EXPECT_THAT(Lines(Stream::kStdout), ElementsAre("said within"));
  ASSERT_EQ(Lines(Stream::kStderr).size(), 1);
  EXPECT_THAT(Lines(Stream::kStderr)[0],
              AllOf(StartsWith("E"), HasSubstr("error within")));
  EXPECT_EQ(recorder_.outputs()[0].task_id, 1);
}

TEST_P(WorkerOutputTest, APoolWithinAWorkerMayCapture) {
  const auto pool = MakePool(Options(1));
  const absl::Status status = pool->Submit(InnerPool, true, false).Get();
  ASSERT_TRUE(status.ok()) << status;
  Finish(*pool);
  const std::vector<std::string> lines = Lines(Stream::kStdout, 1);
  ASSERT_EQ(lines.size(), 2);
  EXPECT_EQ(lines[0], "inner task 1: said within");
  EXPECT_THAT(lines[1], StartsWith("inner task 2: E"));
  EXPECT_THAT(Lines(Stream::kStderr), IsEmpty());
}

// ---- Logs ----

TEST_P(WorkerOutputTest, LogsAreTagged) {
  ProcessPoolOptions options = Options(1);
  options.tag_logs = true;
  options.initializer = WorkerHook::Of(LogAll, "at first");
  const auto pool = MakePool(options);
  ASSERT_TRUE(pool->Submit(Square, 1).Get().ok());
  ASSERT_TRUE(pool->Submit(LogAll, "in a task").Get().ok());
  Finish(*pool);
  ASSERT_EQ(Lines(Stream::kStderr).size(), 2) << "of those above the threshold";
  ASSERT_EQ(Lines(Stream::kStderr, 0).size(), 1);
  ASSERT_EQ(Lines(Stream::kStderr, 2).size(), 1);
  EXPECT_THAT(Lines(Stream::kStderr, 0)[0],
              AllOf(StartsWith("[worker 1] E"), HasSubstr("] error at first"),
                    HasSubstr("worker_output_test.cc:")));
  EXPECT_THAT(
      Lines(Stream::kStderr, 2)[0],
      AllOf(StartsWith("[worker 1 task 2] E"), HasSubstr("] error in a task")));
}

TEST_P(WorkerOutputTest, AFatalLogComesOnce) {
  ProcessPoolOptions options = Options(1);
  options.tag_logs = true;
  const auto pool = MakePool(options);
  const absl::Status status = pool->Submit(LogFatal).Get();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  // Though a long stack trace has come behind it.
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("] fatal on purpose\\n"));
  Finish(*pool);
  std::vector<std::string> lines = Lines(Stream::kStderr, 1);
  ASSERT_FALSE(lines.empty());
  EXPECT_THAT(lines[0], AllOf(StartsWith("[worker 1 task 1] F"),
                              HasSubstr("fatal on purpose")));
  EXPECT_THAT(lines, Contains(HasSubstr("fatal on purpose")).Times(1));
  EXPECT_THAT(lines, Contains(HasSubstr("stack trace: ***")).Times(1));
}

TEST_P(WorkerOutputTest, TagsAreThoseOfTheInnermostPool) {
  for (const bool outer : {false, true}) {
    for (const bool inner : {false, true}) {
      Recorder recorder;
      ProcessPoolOptions options = Options(1);
      options.tag_logs = outer;
      options.on_output = [&](const WorkerOutput& line) { recorder.Add(line); };
      const auto pool = MakePool(options);
      ASSERT_TRUE(pool->Submit(Square, 1).Get().ok());
      const absl::Status status = pool->Submit(InnerPool, false, inner).Get();
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_TRUE(pool->Submit(LogAll, "behind it").Get().ok());
      Finish(*pool);
      const std::vector<std::string> lines = recorder.Lines(Stream::kStderr);
      ASSERT_EQ(lines.size(), 2);
      EXPECT_THAT(lines[0], StartsWith(inner ? "[worker 1 task 2] E" : "E"));
      EXPECT_THAT(lines[1], StartsWith(outer ? "[worker 1 task 3] E" : "E"));
    }
  }
}

MULTIPROC_FOR_EVERY_BACKEND(WorkerOutputTest);

}  // namespace
}  // namespace multiproc

// What is logged before absl::InitializeLog() is not a sink's alone.
int main(int argc, char** argv) {
  absl::InitializeLog();
  multiproc::Initialize(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
