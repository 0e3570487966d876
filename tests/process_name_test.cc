// What processes are called, and what a child knows of itself and its parent.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#ifndef _WIN32
#include <unistd.h>
#endif

#include <cstdio>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/run.h"
#include "tests/executor_fixture.h"
#include "tests/read_file.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// ---- Functions that are run in children ----

void PrintIdentity() {
  printf("%s %lld %d", CurrentProcessName().c_str(),
         static_cast<long long>(ParentPid()),  // NOLINT(runtime/int)
         ParentIsAlive() ? 1 : 0);
}
MULTIPROC_FUNCTION(PrintIdentity);

void PrintFile(const std::string& path) {
  const std::string text = ReadFile(path);
  fwrite(text.data(), 1, text.size(), stdout);
}
MULTIPROC_FUNCTION(PrintFile);

// The parent's end of the handle is closed a little before the parent ends.
void TellWhenTheParentIsGone(int64_t parent) {
  const bool was_alive = ParentIsAlive();
  printf("%d\n", was_alive && ParentPid() == parent ? 1 : 0);
  fflush(stdout);
  ReadToEnd(InheritedHandles()[0]).status().IgnoreError();
  while (ParentIsAlive()) absl::SleepFor(absl::Milliseconds(1));
  printf("gone, was %d", ParentPid() == parent ? 1 : 0);
}
MULTIPROC_FUNCTION(TellWhenTheParentIsGone);

// Ends while its child runs, which it has heard of.
absl::Status LeaveAnOrphan(const std::string& backend) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  if (!pipe.ok()) return pipe.status();
  Command command = Command::Function(TellWhenTheParentIsGone, CurrentPid());
  command.inherited_handles = {pipe->read_end.get()};
  absl::StatusOr<Executor*> executor = ExecutorByName(backend);
  if (!executor.ok()) return executor.status();
  absl::StatusOr<Process> process = (*executor)->Spawn(command);
  if (!process.ok()) return process.status();
  process->set_on_destroy(Process::OnDestroy::kDetach);
  (void)pipe->write_end.release();
  return absl::OkStatus();
}
MULTIPROC_FUNCTION(LeaveAnOrphan);

class ProcessNameTest : public ExecutorTest {};

// ---- In the parent ----

TEST_P(ProcessNameTest, AProcessHasTheNameOfItsCommand) {
  Command command = Child({"exit", "0"});
  EXPECT_EQ(SpawnOrDie(command).name(), ChildProgram());
  command.name = "leaver";
  EXPECT_EQ(SpawnOrDie(command).name(), "leaver");
  command = Command::Function(PrintFile, "/dev/null");
  EXPECT_EQ(SpawnOrDie(command).name(), "PrintFile");
  command.name = "printer";
  EXPECT_EQ(SpawnOrDie(command).name(), "printer");
  EXPECT_EQ(Process().name(), "");
}

TEST_P(ProcessNameTest, ErrorsHaveTheName) {
  Command command = Child({"echo"});
  command.standard_input = Stdio::Pipe();
  command.name = "echoer";
  Process process = SpawnOrDie(command);
  EXPECT_EQ(process.WaitWithTimeout(absl::ZeroDuration()).status().message(),
            absl::StrCat("process ", process.pid(),
                         " ('echoer') still runs after 0"));
}

// ---- In the child ----

TEST_P(ProcessNameTest, AFunctionKnowsItsNameAndItsParent) {
  Command command = Command::Function(PrintIdentity);
  EXPECT_EQ(OutputOf(command),
            absl::StrCat("PrintIdentity ", CurrentPid(), " 1"));
  command.name = "a name";
  EXPECT_EQ(OutputOf(command), absl::StrCat("a name ", CurrentPid(), " 1"));
}

TEST_P(ProcessNameTest, AProgramIsCalledByItsName) {
  EXPECT_EQ(OutputOf(Child({"name"})), ChildProgram());
  Command command = Child({"name"});
  command.name = "-login";
  EXPECT_EQ(OutputOf(command), "-login");
}

TEST_P(ProcessNameTest, AChildSeesItsParentsEnd) {
  if (is_windows()) GTEST_SKIP() << "there a child ends with its parent";
  RunOptions options;
  options.executor = &executor();
  options.output_grace = absl::InfiniteDuration();
  const absl::StatusOr<RunResult> result = multiproc::Run(
      Command::Function(LeaveAnOrphan, std::string(executor().name())),
      options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, ExitStatus::Exited(0)) << result->standard_error;
  // It may have been gone before the child began.
  EXPECT_THAT(result->standard_output, ::testing::EndsWith("gone, was 1"));
}

#ifdef __linux__
TEST_P(ProcessNameTest, TopShowsTheNameOfAFunction) {
  Command command = Command::Function(PrintFile, "/proc/self/comm");
  command.name = "a name of many letters";
  EXPECT_EQ(OutputOf(command), "a name of many \n");
}

TEST_P(ProcessNameTest, PsShowsTheNameOfAFunction) {
  if (is_fork()) GTEST_SKIP() << "a copy has the command line of its parent";
  Command command = Command::Function(PrintFile, "/proc/self/cmdline");
  EXPECT_THAT(OutputOf(command),
              HasSubstr(std::string("\0multiproc:PrintFile", 20)));
  command.name = "printer";
  EXPECT_THAT(OutputOf(command),
              HasSubstr(std::string("\0multiproc:printer", 18)));
}
#endif

// ---- In a program that a user has started ----

TEST(CurrentProcessTest, IsNamedAfterItsProgram) {
  EXPECT_THAT(CurrentProcessName(), StartsWith("process_name_test"));
#ifdef _WIN32
  if (ParentPid() == 0) GTEST_SKIP() << "Wine's first process has no parent";
#endif
#ifdef _WIN32
  EXPECT_GT(ParentPid(), 0);
#else
  // 0 in a container whose first process this is.
  EXPECT_EQ(ParentPid(), getppid());
#endif
  EXPECT_TRUE(ParentIsAlive());
}

MULTIPROC_FOR_EVERY_BACKEND(ProcessNameTest);

}  // namespace
}  // namespace multiproc
