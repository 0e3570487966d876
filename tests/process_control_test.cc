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

void IgnoreTerminateForEver() {
  std::signal(SIGTERM, SIG_IGN);
  SayReadyAndPause();
}
MULTIPROC_FUNCTION(IgnoreTerminateForEver);

void EndByTerminate() { SayReadyAndPause(); }
MULTIPROC_FUNCTION(EndByTerminate);

// ---- Trees: every process of one has the standard output of its root ----

// A process with `depth` below it.
absl::Status BeATree(int depth) {
  if (depth == 0) SayReadyAndPause();
  const absl::StatusOr<Process> child = Spawn(BeATree, depth - 1);
  if (!child.ok()) return child.status();
  PauseForEver();
}
MULTIPROC_FUNCTION(BeATree);

absl::Status StartDetached(const std::string& program, int count) {
  absl::StatusOr<Executor*> executor = DefaultExecutor();
  if (!executor.ok()) return executor.status();
  for (int i = 0; i < count; ++i) {
    absl::StatusOr<Process> child =
        (*executor)->Spawn(Command::Program(program, {"pause"}));
    if (!child.ok()) return child.status();
    child->set_on_destroy(Process::OnDestroy::kDetach);
    if (i > 0) continue;
    printf("ready\n");
    fflush(stdout);
  }
  return absl::OkStatus();
}
MULTIPROC_FUNCTION(StartDetached);

// Is still starting others when it is killed, if it gets that far.
absl::Status StartMany(const std::string& program) {
  absl::Status status = StartDetached(program, 300);
  if (!status.ok()) return status;
  PauseForEver();
}
MULTIPROC_FUNCTION(StartMany);

// The child of one that has ended.
absl::Status HaveAnOrphan(const std::string& program) {
  absl::StatusOr<Process> child = Spawn(StartDetached, program, 1);
  if (!child.ok()) return child.status();
  if (!child->Wait()->success()) return absl::InternalError("no orphan");
  printf("waited\n");
  fflush(stdout);
  PauseForEver();
}
MULTIPROC_FUNCTION(HaveAnOrphan);

// Whether descendants are found: by /proc, or a job object.
#if defined(_WIN32) || \
    (defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX))
constexpr bool kFindsDescendants = true;
#else
constexpr bool kFindsDescendants = false;
#endif

// Waits of a ladder whose last step that is not skipped ends the child: no step
// before it may wait for long.
constexpr absl::Duration kBrief = absl::Milliseconds(1);
constexpr absl::Duration kForEver = absl::InfiniteDuration();

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

// ---- Stop ----

TEST_P(ProcessControlTest, StopClosesTheInputFirst) {
  Command command = Child({"echo"});
  command.standard_input = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  StopOptions options;
  options.after_close = kForEver;
  EXPECT_EQ(*process.Stop(options), ExitStatus::Exited(0));
  EXPECT_FALSE(process.standard_input().is_valid());
}

TEST_P(ProcessControlTest, StopLeavesTheInputOpenUnlessItIsToBeClosed) {
  Command command = Command::Function(EndByTerminate);
  command.standard_input = Stdio::Pipe();
  Process process = SpawnReady(command);
  EXPECT_EQ(*process.Stop(), ExitStatus::Signaled(kSigTerm));
  EXPECT_TRUE(process.standard_input().is_valid());
}

TEST_P(ProcessControlTest, StopTerminatesWhatOutlivesItsInput) {
  Command command = Command::Function(EndByTerminate);
  command.standard_input = Stdio::Pipe();
  Process process = SpawnReady(command);
  StopOptions options;
  options.after_close = kBrief;
  options.after_terminate = kForEver;
  EXPECT_EQ(*process.Stop(options), ExitStatus::Signaled(kSigTerm));
}

TEST_P(ProcessControlTest, StopKillsWhatIgnoresTerminate) {
  Process process = SpawnReady(Command::Function(IgnoreTerminateForEver));
  StopOptions options;
  options.after_close = kBrief;
  options.after_terminate = kBrief;
  EXPECT_EQ(*process.Stop(options), ExitStatus::Signaled(kSigKill));
}

TEST_P(ProcessControlTest, StopSkipsWhatTakesNoTime) {
  Process process = SpawnReady(Command::Function(IgnoreTerminateForEver));
  StopOptions options;
  options.after_terminate = kBrief;
  options.after_kill = absl::ZeroDuration();
  const absl::Status status = process.Stop(options).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_TRUE(process.IsRunning());
  options.after_terminate = absl::ZeroDuration();
  options.after_kill = kForEver;
  EXPECT_EQ(*process.Stop(options), ExitStatus::Signaled(kSigKill));
}

TEST_P(ProcessControlTest, StopKillsWhatCanNotBeAsked) {
  // In its parent's group, Windows has no way to ask it.
  Process process = SpawnOrDie(Child({"pause"}));
  StopOptions options;
  options.after_terminate = kForEver;
  options.after_kill = absl::ZeroDuration();
  if (is_windows()) {
    EXPECT_TRUE(absl::IsFailedPrecondition(process.Stop(options).status()));
  }
  options.after_kill = kForEver;
  EXPECT_EQ(*process.Stop(options),
            ExitStatus::Signaled(is_windows() ? kSigKill : kSigTerm));
}

TEST_P(ProcessControlTest, StopOfAnEndedChildTellsItsEnd) {
  Process process = SpawnOrDie(Child({"exit", "7"}));
  ASSERT_TRUE(process.Wait().ok());
  EXPECT_EQ(*process.Stop(), ExitStatus::Exited(7));
}

// ---- KillTree: the output is at its end once no process is left ----

TEST_P(ProcessControlTest, KillTreeEndsChildrenOfChildren) {
  if (!kFindsDescendants) GTEST_SKIP() << "this system does not tell of them";
  Process process = SpawnReady(Command::Function(BeATree, 3));
  const absl::Status status = process.KillTree();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigKill));
  EXPECT_EQ(*ReadToEnd(process.standard_output().get()), "");
}

TEST_P(ProcessControlTest, KillTreeLetsNoneEscapeByForking) {
  if (!kFindsDescendants) GTEST_SKIP() << "this system does not tell of them";
  Process process = SpawnReady(Command::Function(StartMany, ChildProgram()));
  EXPECT_TRUE(process.KillTree().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigKill));
  EXPECT_EQ(*ReadToEnd(process.standard_output().get()), "");
}

TEST_P(ProcessControlTest, KillTreeEndsOrphansInAGroupOfItsOwn) {
  Command command = Command::Function(HaveAnOrphan, ChildProgram());
  command.process_group = 0;
  Process process = SpawnReady(command);
  EXPECT_EQ(ReadLine(process.standard_output().get()), "waited");
  EXPECT_TRUE(process.KillTree().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigKill));
  EXPECT_EQ(*ReadToEnd(process.standard_output().get()), "");
}

TEST_P(ProcessControlTest, KillTreeEndsOrphansOfASession) {
  if (is_windows()) GTEST_SKIP() << "Windows has no such sessions";
  Command command = Command::Function(HaveAnOrphan, ChildProgram());
  command.limits.new_session = true;
  Process process = SpawnReady(command);
  EXPECT_EQ(ReadLine(process.standard_output().get()), "waited");
  EXPECT_TRUE(process.KillTree().ok());
  EXPECT_EQ(*ReadToEnd(process.standard_output().get()), "");
}

TEST_P(ProcessControlTest, KillTreeOfAChildAloneAndOfAnEndedOne) {
  Process process = SpawnOrDie(Child({"pause"}));
  EXPECT_TRUE(process.KillTree().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigKill));
  EXPECT_TRUE(process.KillTree().ok());
  process = SpawnOrDie(Child({"exit", "4"}));
  EXPECT_TRUE(WaitReadable(process.exit_event(), absl::InfiniteDuration()));
  EXPECT_TRUE(process.KillTree().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(4));
}

TEST(NoProcessTest, CanNotBeControlled) {
  Process none;
  EXPECT_TRUE(absl::IsFailedPrecondition(none.KillTree()));
  EXPECT_TRUE(absl::IsFailedPrecondition(none.Stop().status()));
  EXPECT_FALSE(none.IsRunning());
  EXPECT_TRUE(absl::IsFailedPrecondition(none.Interrupt()));
}

MULTIPROC_FOR_EVERY_BACKEND(ProcessControlTest);

}  // namespace
}  // namespace multiproc
