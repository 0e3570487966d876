// Which children there are, and those that end with their parent.

#include "multiproc/executors/active_children.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/run.h"
#include "tests/executor_fixture.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// ---- Functions that are run in children ----

void CountChildren() { printf("%zu", ActiveChildren().size()); }
MULTIPROC_FUNCTION(CountChildren);

absl::Status LeaveADaemon(const std::string& backend,
                          const std::string& program) {
  absl::StatusOr<Executor*> executor = ExecutorByName(backend);
  if (!executor.ok()) return executor.status();
  Command command = Command::Program(program, {"pause"});
  command.daemon = true;
  return (*executor)->Spawn(command).status();
}
MULTIPROC_FUNCTION(LeaveADaemon);

class ActiveChildrenTest : public ExecutorTest {
 protected:
  // Ends once its input is closed.
  Process SpawnEcho(const std::string& name, bool daemon = false) {
    Command command = Child({"echo"});
    command.name = name;
    command.daemon = daemon;
    command.standard_input = Stdio::Pipe();
    command.standard_output = Stdio::Null();
    return SpawnOrDie(command);
  }

  // "name pid", and "daemon" behind it.
  static std::vector<std::string> Texts() {
    std::vector<std::string> texts;
    for (const ActiveChild& child : ActiveChildren()) {
      texts.push_back(absl::StrCat(child.name, " ", child.pid,
                                   child.daemon ? " daemon" : ""));
    }
    return texts;
  }

  static void WaitUntilThereAreNone() {
    while (!ActiveChildren().empty()) absl::SleepFor(absl::Milliseconds(1));
  }
};

TEST_P(ActiveChildrenTest, ThoseThatRunAreListed) {
  EXPECT_THAT(Texts(), IsEmpty());
  Process a = SpawnEcho("a");
  Process b = SpawnEcho("b", /*daemon=*/true);
  const std::string text_a = absl::StrCat("a ", a.pid());
  EXPECT_THAT(Texts(), UnorderedElementsAre(
                           text_a, absl::StrCat("b ", b.pid(), " daemon")));
  // Ended, but nobody has waited for it.
  b.standard_input().reset();
  EXPECT_TRUE(WaitReadable(b.exit_event(), absl::InfiniteDuration()));
  EXPECT_THAT(Texts(), UnorderedElementsAre(text_a));
  const Process moved = std::move(a);
  EXPECT_THAT(Texts(), UnorderedElementsAre(text_a));
}

TEST_P(ActiveChildrenTest, DetachedChildrenAreListedUntilTheyEnd) {
  Process process = SpawnEcho("detached");
  const int64_t pid = process.pid();
  ScopedFileHandle input = std::move(process.standard_input());
  process.set_on_destroy(Process::OnDestroy::kDetach);
  process = Process();
  EXPECT_THAT(Texts(), UnorderedElementsAre(absl::StrCat("detached ", pid)));
  input.reset();
  WaitUntilThereAreNone();
}

TEST_P(ActiveChildrenTest, AFunctionStartsWithNone) {
  const Process other = SpawnEcho("other");
  EXPECT_EQ(OutputOf(Command::Function(CountChildren)), "0");
}

TEST_P(ActiveChildrenTest, ManyThreadsMayAskAndSpawn) {
  constexpr int kThreads = 4;
  std::vector<std::vector<Process>> processes(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i, &processes] {
      for (int j = 0; j < 5; ++j) {
        processes[i].push_back(SpawnEcho("one"));
        EXPECT_FALSE(ActiveChildren().empty());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(ActiveChildren(), SizeIs(5 * kThreads));
  processes.clear();
  EXPECT_THAT(ActiveChildren(), IsEmpty());
}

// ---- Daemons ----

TEST_P(ActiveChildrenTest, ADaemonIsDetachedByTheDestructor) {
  Process process = SpawnEcho("daemon", /*daemon=*/true);
  const int64_t pid = process.pid();
  ScopedFileHandle input = std::move(process.standard_input());
  process = Process();
  EXPECT_THAT(Texts(),
              UnorderedElementsAre(absl::StrCat("daemon ", pid, " daemon")));
  input.reset();
  WaitUntilThereAreNone();
}

TEST_P(ActiveChildrenTest, TheDestructorOfADaemonMayBeToldOtherwise) {
  Process process = SpawnEcho("daemon", /*daemon=*/true);
  process.set_on_destroy(Process::OnDestroy::kKill);
  process = Process();
  EXPECT_THAT(ActiveChildren(), IsEmpty());
}

// Run waits for the end of the output, which the daemon has, too.
TEST_P(ActiveChildrenTest, ADaemonEndsWithTheFunctionThatStartedIt) {
  RunOptions options;
  options.executor = &executor();
  options.output_grace = absl::InfiniteDuration();
  const absl::StatusOr<RunResult> result = multiproc::Run(
      Command::Function(LeaveADaemon, GetParam(), ChildProgram()), options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, ExitStatus::Exited(0)) << result->standard_error;
}

MULTIPROC_FOR_EVERY_BACKEND(ActiveChildrenTest);

}  // namespace
}  // namespace multiproc
