// A program that handles the signals that stop it, on every backend.

#include "multiproc/executors/stop_signals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/functions/function.h"
#include "tests/executor_fixture.h"
#include "tests/read_text.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

// What Process::Interrupt sends.
#ifdef _WIN32
constexpr int kInterrupt = SIGTERM;
#else
constexpr int kInterrupt = SIGINT;
#endif

void Say(const std::string& line) {
  printf("%s\n", line.c_str());
  fflush(stdout);
}

// Waits for a signal, and ends by it.
absl::Status StopInOrder() {
  // A test may have been started with it ignored.
  std::signal(kInterrupt, SIG_DFL);
  absl::Notification stopped;
  auto stop = StopSignals::Handle([&stopped](int signal) {
    Say("told " + std::to_string(signal));
    stopped.Notify();
  });
  if (!stop.ok()) return stop.status();
  Say("ready");
  // ThreadSanitizer keeps signals from a thread that waits in a futex.
  while (!stopped.HasBeenNotified()) absl::SleepFor(absl::Milliseconds(1));
  // Not flushed.
  printf("stopped by %d\n", (*stop)->signal());
  (*stop)->PassOn();
  return absl::InternalError("it goes on");
}
MULTIPROC_FUNCTION(StopInOrder);

// Is stopping, and never comes to an end.
absl::Status StopForEver() {
  std::signal(kInterrupt, SIG_DFL);
  auto stop = StopSignals::Handle([](int) {
    Say("stopping");
    PauseForEver();
  });
  if (!stop.ok()) return stop.status();
  Say("ready");
  PauseForEver();
}
MULTIPROC_FUNCTION(StopForEver);

// Has nothing to pass on, and ends.
absl::Status PassNothingOn() {
  auto stop = StopSignals::Handle(nullptr);
  if (!stop.ok()) return stop.status();
  (*stop)->PassOn();
  return absl::OkStatus();
}
MULTIPROC_FUNCTION(PassNothingOn);

// Nobody calls anything, and it is looked for.
absl::Status LookForSignal() {
  auto stop = StopSignals::Handle(nullptr);
  if (!stop.ok()) return stop.status();
  Say("ready");
  while ((*stop)->signal() == 0) absl::SleepFor(absl::Milliseconds(1));
  (*stop)->PassOn();
  return absl::InternalError("it goes on");
}
MULTIPROC_FUNCTION(LookForSignal);

void SayReadyAndPause() {
  Say("ready");
  PauseForEver();
}
MULTIPROC_FUNCTION(SayReadyAndPause);

// Handles the signals no more, and waits for one.
absl::Status HandleForAMoment() {
  std::signal(SIGTERM, [](int) { ExitAtOnce(44); });
  auto stop = StopSignals::Handle([](int) {});
  if (!stop.ok()) return stop.status();
  *stop = nullptr;
  Say("ready");
  PauseForEver();
}
MULTIPROC_FUNCTION(HandleForAMoment);

// Ignores SIGTERM, handles signals, and says so; ends when its input does.
absl::Status IgnoreAndHandle() {
  std::signal(SIGTERM, SIG_IGN);
  auto stop = StopSignals::Handle([](int) { Say("told"); });
  if (!stop.ok()) return stop.status();
  Say("ready");
  return ReadToEnd(StandardInput()).status();
}
MULTIPROC_FUNCTION(IgnoreAndHandle);

class StopSignalsTest : public ExecutorTest {
 protected:
  void SetUp() override {
    // Its pipe is made once, and kept.
    EXPECT_TRUE(StopSignals::Handle([](int) {}).ok());
    ExecutorTest::SetUp();
  }

  // Has said that it is ready.
  Process SpawnReady(Command command) {
    command.standard_output = Stdio::Pipe();
    Process process = SpawnOrDie(command);
    EXPECT_EQ(ReadLine(process.standard_output().get()), "ready");
    return process;
  }
};

TEST_P(StopSignalsTest, TerminateIsToldAndPassedOn) {
  Process process = SpawnReady(Command::Function(StopInOrder));
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_EQ(ReadText(process.standard_output().get()),
            "told 15\nstopped by 15\n");
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigTerm));
}

TEST_P(StopSignalsTest, InterruptIsToldAndPassedOn) {
  Process process = SpawnReady(Command::Function(StopInOrder));
  EXPECT_TRUE(process.Interrupt().ok());
  const std::string number = std::to_string(kInterrupt);
  EXPECT_EQ(ReadText(process.standard_output().get()),
            "told " + number + "\nstopped by " + number + "\n");
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kInterrupt));
}

TEST_P(StopSignalsTest, ASecondInterruptEndsTheProgramAtOnce) {
  if (is_windows()) GTEST_SKIP() << "there Interrupt is no Ctrl-C";
  Process process = SpawnReady(Command::Function(StopForEver));
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_EQ(ReadLine(process.standard_output().get()), "stopping");
  // What comes at once is the same one.
  while (!process.WaitWithTimeout(absl::Milliseconds(20)).ok()) {
    EXPECT_TRUE(process.Interrupt().ok());
  }
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kInterrupt));
}

TEST_P(StopSignalsTest, TwoInterruptsAtOnceAreOne) {
  Process process = SpawnReady(Command::Function(StopInOrder));
  EXPECT_TRUE(process.Interrupt().ok());
  EXPECT_TRUE(process.Interrupt().ok());
  const std::string number = std::to_string(kInterrupt);
  EXPECT_EQ(ReadText(process.standard_output().get()),
            "told " + number + "\nstopped by " + number + "\n");
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kInterrupt));
}

TEST_P(StopSignalsTest, WithoutASignalNothingIsPassedOn) {
  EXPECT_EQ(Run(Command::Function(PassNothingOn)), ExitStatus::Exited(0));
}

TEST_P(StopSignalsTest, ASignalCanBeLookedFor) {
  Process process = SpawnReady(Command::Function(LookForSignal));
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigTerm));
}

TEST_P(StopSignalsTest, ASecondTerminateChangesNothing) {
  Process process = SpawnReady(Command::Function(StopForEver));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(process.Terminate().ok());
  EXPECT_EQ(ReadLine(process.standard_output().get()), "stopping");
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_TRUE(process.IsRunning());
  EXPECT_TRUE(process.Kill().ok());
  EXPECT_EQ(ReadText(process.standard_output().get()), "");
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigKill));
}

TEST_P(StopSignalsTest, WhatWasHandledBeforeIsHandledAfter) {
  Process process = SpawnReady(Command::Function(HandleForAMoment));
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(44));
}

TEST_P(StopSignalsTest, WhatIsIgnoredStaysSo) {
  Command command = Command::Function(IgnoreAndHandle);
  command.standard_input = Stdio::Pipe();
  Process process = SpawnReady(command);
  EXPECT_TRUE(process.Terminate().ok());
  process.standard_input().reset();
  EXPECT_EQ(ReadText(process.standard_output().get()), "");
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(0));
}

TEST_P(StopSignalsTest, AChildOfOneThatHandlesThemDoesNot) {
  auto stop = StopSignals::Handle([](int) { FAIL() << "it was the child's"; });
  ASSERT_TRUE(stop.ok()) << stop.status();
  Process process = SpawnReady(Command::Function(SayReadyAndPause));
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigTerm));
  EXPECT_EQ((*stop)->signal(), 0);
}

TEST_P(StopSignalsTest, AChildOfOneThatHandlesThemHandlesItsOwn) {
  auto stop = StopSignals::Handle([](int) { FAIL() << "it was the child's"; });
  ASSERT_TRUE(stop.ok()) << stop.status();
  Process process = SpawnReady(Command::Function(StopInOrder));
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_EQ(ReadText(process.standard_output().get()),
            "told 15\nstopped by 15\n");
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigTerm));
  EXPECT_EQ((*stop)->signal(), 0);
}

TEST_P(StopSignalsTest, OneAtATime) {
  auto first = StopSignals::Handle([](int) {});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = StopSignals::Handle([](int) {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("handled already"));
  *first = nullptr;
  EXPECT_TRUE(StopSignals::Handle([](int) {}).ok());
}

MULTIPROC_FOR_EVERY_BACKEND(StopSignalsTest);

}  // namespace
}  // namespace multiproc
