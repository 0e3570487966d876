// Asking a child how it is, and making it end: what Process has beyond waiting.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "tests/executor_fixture.h"
#include "tests/read_text.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// What Process::Interrupt sends.
#ifdef _WIN32
constexpr int kInterrupt = SIGTERM;
#else
constexpr int kInterrupt = SIGINT;
#endif

void SayReadyAndPause() {
  printf("ready\n");
  fflush(stdout);
  PauseForEver();
}

// A test may have been started with SIGINT ignored, as shells start what runs
// in the background.
void EndByInterrupt() {
  std::signal(kInterrupt, SIG_DFL);
  SayReadyAndPause();
}
MULTIPROC_FUNCTION(EndByInterrupt);

void LeaveOnInterrupt() {
  std::signal(kInterrupt, [](int) { ExitAtOnce(43); });
  SayReadyAndPause();
}
MULTIPROC_FUNCTION(LeaveOnInterrupt);

class ProcessControlTest : public ExecutorTest {
 protected:
  // Has said that it is ready.
  Process SpawnReady(Command command) {
    command.standard_output = Stdio::Pipe();
    Process process = SpawnOrDie(command);
    EXPECT_EQ(ReadLine(process.standard_output().get()), "ready");
    return process;
  }
};

// ---- Interrupt and IsRunning ----

TEST_P(ProcessControlTest, InterruptEndsWhatDoesNotHandleIt) {
  Process process = SpawnReady(Command::Function(EndByInterrupt));
  EXPECT_TRUE(process.Interrupt().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kInterrupt));
}

TEST_P(ProcessControlTest, InterruptReachesAHandler) {
  Process process = SpawnReady(Command::Function(LeaveOnInterrupt));
  EXPECT_TRUE(process.Interrupt().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(43));
}

TEST_P(ProcessControlTest, InterruptReachesPrograms) {
  if (!HasConsole()) GTEST_SKIP() << "Ctrl-Break needs a console";
  Command command = Child({"interruptible"});
  command.process_group = 0;
  Process process = SpawnReady(command);
  EXPECT_TRUE(process.Interrupt().ok());
  EXPECT_EQ(*process.Wait(), is_windows() ? EndOfTerminatedProgram()
                                          : ExitStatus::Signaled(SIGINT));
}

TEST_P(ProcessControlTest, InterruptOfAnEndedChildIsNoError) {
  Process process = SpawnOrDie(Child({"exit", "0"}));
  EXPECT_TRUE(WaitReadable(process.exit_event(), absl::InfiniteDuration()));
  EXPECT_TRUE(process.Interrupt().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(0));
  EXPECT_TRUE(process.Interrupt().ok());
}

TEST_P(ProcessControlTest, IsRunningUntilItsEnd) {
  Command command = Child({"echo"});
  command.standard_input = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  EXPECT_TRUE(process.IsRunning());
  process.standard_input().reset();
  EXPECT_TRUE(WaitReadable(process.exit_event(), absl::InfiniteDuration()));
  EXPECT_FALSE(process.IsRunning());
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(0));
  EXPECT_FALSE(process.IsRunning());
}

TEST(NoProcessTest, CanNotBeControlled) {
  Process none;
  EXPECT_FALSE(none.IsRunning());
  EXPECT_TRUE(absl::IsFailedPrecondition(none.Interrupt()));
}

MULTIPROC_FOR_EVERY_BACKEND(ProcessControlTest);

}  // namespace
}  // namespace multiproc
