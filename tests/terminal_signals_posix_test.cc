// What Ctrl-C, SIGTERM and the end of the terminal do to a program with a pool
// that runs in a terminal: a pseudo-terminal, of whose foreground process group
// the program and its workers are. docs/signals.md tells it to users.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/config.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/stop_signals.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/new_fifo.h"
#include "tests/read_text.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// ---- The program ----

void Say(const std::string& line) {
  printf("%s\n", line.c_str());
  fflush(stdout);
}

void BusyForEver() {
  Say("busy");
  PauseForEver();
}
MULTIPROC_FUNCTION(BusyForEver);

// Ends when the test reads from `fifo`.
void BusyUntilRead(const std::string& fifo) {
  Say("busy");
  WriteFifo(fifo, "");
}
MULTIPROC_FUNCTION(BusyUntilRead);

void DoNothing() {}
MULTIPROC_FUNCTION(DoNothing);

// Makes `path` this process's controlling terminal: it leads its session.
absl::Status Enter(const std::string& path) {
  const int terminal = open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0) {
    return absl::InternalError(absl::StrCat(path, " can't be had"));
  }
  // As a shell starts what is in its foreground.
  signal(SIGINT, SIG_DFL);
  signal(SIGHUP, SIG_DFL);
  return absl::OkStatus();
}

std::unique_ptr<ProcessPool> MakePool(int num_workers) {
  ProcessPoolOptions options;
  options.num_workers = num_workers;
  options.max_leased_tasks = 1;
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  return pool.ok() ? *std::move(pool) : nullptr;
}

// Handles nothing, with two workers in the middle of a task.
absl::Status HandleNothing(const std::string& terminal) {
  if (absl::Status status = Enter(terminal); !status.ok()) return status;
  const auto pool = MakePool(2);
  for (int i = 0; i < 2; ++i) pool->Submit(BusyForEver);
  pool->Close();
  return pool->Join();
}
MULTIPROC_FUNCTION(HandleNothing);

// Of one task that runs, until `fifo` is read from, and three that wait, the
// latter are cancelled, or all run, by `drain`.
absl::Status StopInOrder(const std::string& terminal, const std::string& fifo,
                         bool drain) {
  if (absl::Status status = Enter(terminal); !status.ok()) return status;
  const auto pool = MakePool(1);
  auto stop = StopSignals::Handle([&](int) {
    if (!drain) pool->CancelPending();
    Say("stopping");
  });
  if (!stop.ok()) return stop.status();
  std::vector<Future<void>> futures;
  futures.push_back(pool->Submit(BusyUntilRead, fifo));
  for (int i = 0; i < 3; ++i) futures.push_back(pool->Submit(DoNothing));
  std::vector<std::string> codes;
  for (const auto& future : futures) {
    codes.push_back(absl::StatusCodeToString(future.Get().code()));
  }
  const PoolStats stats = pool->Stats();
  Say(absl::StrCat(absl::StrJoin(codes, " "), ", retries ", stats.tasks.retries,
                   ", lost ", stats.tasks.lost));
  pool->Close();
  pool->Join().IgnoreError();
  (*stop)->PassOn();
  return absl::InternalError("no signal came");
}
MULTIPROC_FUNCTION(StopInOrder);

// ---- The terminal ----

class TerminalTest : public BackendTest {
 protected:
  void SetUp() override {
    terminal_ = ScopedFileHandle(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal_.is_valid());
    ASSERT_EQ(grantpt(terminal_.get()), 0);
    ASSERT_EQ(unlockpt(terminal_.get()), 0);
    path_ = ptsname(terminal_.get());
  }

  // Leads a session of its own. Its workers have the test's backend.
  void Start(Command command) {
    command.limits.new_session = true;
    command.environment = {{"MULTIPROC_EXECUTOR", GetParam()}};
    command.standard_output = Stdio::Pipe();
    absl::StatusOr<Process> process = executor().Spawn(command);
    ASSERT_TRUE(process.ok()) << process.status();
    program_ = *std::move(process);
  }

  void StartNothing() {
    Start(Command::Function(HandleNothing, path_));
    for (int i = 0; i < 2; ++i) EXPECT_EQ(NextLine(), "busy");
  }

  void StartOrdered(bool drain = false) {
    Start(Command::Function(StopInOrder, path_, fifo_, drain));
    EXPECT_EQ(NextLine(), "busy");
  }

  std::string NextLine() { return ReadLine(program_.standard_output().get()); }

  // To the end of what the program and its workers write: all are gone then.
  std::string Remainder() { return ReadText(program_.standard_output().get()); }

  void PressCtrlC() { EXPECT_TRUE(WriteAll(terminal_.get(), "\x03").ok()); }
  void Close() { terminal_.reset(); }
  // As timeout(1) and `kill -- -PGID`.
  void TerminateGroup() {
    EXPECT_EQ(kill(static_cast<pid_t>(-program_.pid()), SIGTERM), 0);
  }

  ScopedFileHandle terminal_;
  std::string path_;
  const std::string fifo_ = NewFifo();
  Process program_;
};

// ---- Nothing is handled ----

TEST_P(TerminalTest, CtrlCEndsAProgramAndItsWorkers) {
  StartNothing();
  PressCtrlC();
  EXPECT_EQ(*program_.Wait(), ExitStatus::Signaled(SIGINT));
  EXPECT_EQ(Remainder(), "");
}

TEST_P(TerminalTest, TheEndOfTheTerminalEndsAProgramAndItsWorkers) {
  StartNothing();
  Close();
  EXPECT_EQ(*program_.Wait(), ExitStatus::Signaled(SIGHUP));
  EXPECT_EQ(Remainder(), "");
}

TEST_P(TerminalTest, SigtermEndsAProgramAndItsWorkers) {
  StartNothing();
  EXPECT_TRUE(program_.Terminate().ok());
  EXPECT_EQ(*program_.Wait(), ExitStatus::Signaled(SIGTERM));
  EXPECT_EQ(Remainder(), "");
}

TEST_P(TerminalTest, SigtermToTheGroupEndsAProgramAndItsWorkers) {
  StartNothing();
  TerminateGroup();
  EXPECT_EQ(*program_.Wait(), ExitStatus::Signaled(SIGTERM));
  EXPECT_EQ(Remainder(), "");
}

// ---- The program stops in order ----

class OrderedStopTest : public TerminalTest {
 protected:
  void SetUp() override {
#ifdef ABSL_HAVE_THREAD_SANITIZER
    GTEST_SKIP() << "ThreadSanitizer keeps signals from a thread that waits";
#else
    TerminalTest::SetUp();
#endif
  }
};

TEST_P(OrderedStopTest, CtrlCLetsWhatRunsComeToItsEnd) {
  StartOrdered();
  PressCtrlC();
  EXPECT_EQ(NextLine(), "stopping");
  ReadFifo(fifo_);
  EXPECT_EQ(Remainder(),
            "OK CANCELLED CANCELLED CANCELLED, retries 0, lost 0\n");
  EXPECT_EQ(*program_.Wait(), ExitStatus::Signaled(SIGINT));
}

TEST_P(OrderedStopTest, ASecondCtrlCEndsTheProgramAtOnce) {
  StartOrdered();
  PressCtrlC();
  EXPECT_EQ(NextLine(), "stopping");
  // What comes at once is the same one.
  while (!program_.WaitWithTimeout(absl::Milliseconds(20)).ok()) PressCtrlC();
  EXPECT_EQ(*program_.Wait(), ExitStatus::Signaled(SIGINT));
  EXPECT_EQ(Remainder(), "");
}

TEST_P(OrderedStopTest, TheEndOfTheTerminalLetsWhatRunsComeToItsEnd) {
  StartOrdered();
  Close();
  EXPECT_EQ(NextLine(), "stopping");
  ReadFifo(fifo_);
  EXPECT_EQ(Remainder(),
            "OK CANCELLED CANCELLED CANCELLED, retries 0, lost 0\n");
  EXPECT_EQ(*program_.Wait(), ExitStatus::Signaled(SIGHUP));
}

TEST_P(OrderedStopTest, SigtermToTheGroupLetsWhatRunsComeToItsEnd) {
  StartOrdered();
  TerminateGroup();
  EXPECT_EQ(NextLine(), "stopping");
  TerminateGroup();
  ReadFifo(fifo_);
  EXPECT_EQ(Remainder(),
            "OK CANCELLED CANCELLED CANCELLED, retries 0, lost 0\n");
  EXPECT_EQ(*program_.Wait(), ExitStatus::Signaled(SIGTERM));
}

// By another worker, as the one that got the signal leaves.
TEST_P(OrderedStopTest, SigtermToTheGroupLosesNothingThatWaits) {
  StartOrdered(/*drain=*/true);
  TerminateGroup();
  EXPECT_EQ(NextLine(), "stopping");
  ReadFifo(fifo_);
  EXPECT_EQ(Remainder(), "OK OK OK OK, retries 0, lost 0\n");
  EXPECT_EQ(*program_.Wait(), ExitStatus::Signaled(SIGTERM));
}

MULTIPROC_FOR_EVERY_BACKEND(TerminalTest);
MULTIPROC_FOR_EVERY_BACKEND(OrderedStopTest);

}  // namespace
}  // namespace multiproc
