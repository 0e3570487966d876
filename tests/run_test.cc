#include "multiproc/executors/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "tests/executor_fixture.h"
#include "tests/read_file.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

// ---- Functions that are run in children ----

void PrintOneToEach() {
  printf("to output");
  fprintf(stderr, "to error");
}
MULTIPROC_FUNCTION(PrintOneToEach);

void PrintForEver() {
  while (true) printf("more ");
}
MULTIPROC_FUNCTION(PrintForEver);

// A child that runs on with this one's outputs, and a word on standard output.
absl::Status LeaveAChildBehind(const std::string& program) {
  absl::StatusOr<Executor*> executor = DefaultExecutor();
  if (!executor.ok()) return executor.status();
  absl::StatusOr<Process> process =
      (*executor)->Spawn(Command::Program(program, {"pause"}));
  if (!process.ok()) return process.status();
  process->set_on_destroy(Process::OnDestroy::kDetach);
  printf("%lld", static_cast<long long>(process->pid()));  // NOLINT
  return absl::OkStatus();
}
MULTIPROC_FUNCTION(LeaveAChildBehind);

// Prints after the end of its parent, which the other end of the handle is.
void PrintLate() {
  ReadToEnd(InheritedHandles()[0]).status().IgnoreError();
  printf("late");
}
MULTIPROC_FUNCTION(PrintLate);

// The write end of the pipe is closed by the end of this process.
absl::Status LeaveALatePrinterBehind() {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  if (!pipe.ok()) return pipe.status();
  Command command = Command::Function(PrintLate);
  command.inherited_handles = {pipe->read_end.get()};
  absl::StatusOr<Executor*> executor = DefaultExecutor();
  if (!executor.ok()) return executor.status();
  absl::StatusOr<Process> process = (*executor)->Spawn(command);
  if (!process.ok()) return process.status();
  process->set_on_destroy(Process::OnDestroy::kDetach);
  printf("early ");
  (void)pipe->write_end.release();
  return absl::OkStatus();
}
MULTIPROC_FUNCTION(LeaveALatePrinterBehind);

class RunTest : public ExecutorTest {
 protected:
  absl::StatusOr<RunResult> RunIt(const Command& command,
                                  RunOptions options = {}) {
    options.executor = &executor();
    return multiproc::Run(command, options);
  }
};

// ---- Streams ----

TEST_P(RunTest, CapturesBothOutputs) {
  const absl::StatusOr<RunResult> result = RunIt(Child({"both"}));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, ExitStatus::Exited(0));
  EXPECT_EQ(result->standard_output, "out");
  EXPECT_EQ(result->standard_error, "err");
}

TEST_P(RunTest, CapturesWhatFunctionsPrint) {
  const absl::StatusOr<RunResult> result =
      RunIt(Command::Function(PrintOneToEach));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, ExitStatus::Exited(0));
  EXPECT_EQ(result->standard_output, "to output");
  EXPECT_EQ(result->standard_error, "to error");
}

TEST_P(RunTest, AFailureOfTheChildIsAResult) {
  const absl::StatusOr<RunResult> result = RunIt(Child({"exit", "3"}));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, ExitStatus::Exited(3));
  EXPECT_EQ(result->standard_output, "");
  EXPECT_EQ(RunIt(Child({"raise", "9"}))->status, ExitStatus::Signaled(9));
}

TEST_P(RunTest, TheInputIsReadToItsEnd) {
  RunOptions options;
  options.standard_input = "hello\n";
  EXPECT_EQ(RunIt(Child({"echo"}), options)->standard_output, "hello\n");
  EXPECT_EQ(RunIt(Child({"echo"}))->standard_output, "");
}

// Many times what pipes hold, in both directions at once.
TEST_P(RunTest, GreatInputAndOutputDoNotWaitForEachOther) {
  RunOptions options;
  for (int i = 0; options.standard_input.size() < (size_t{8} << 20); ++i) {
    absl::StrAppend(&options.standard_input, i, ",");
  }
  const absl::StatusOr<RunResult> result = RunIt(Child({"echo"}), options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, ExitStatus::Exited(0));
  // Not EXPECT_EQ, which would print both.
  EXPECT_TRUE(result->standard_output == options.standard_input);
}

TEST_P(RunTest, InputThatNobodyReadsIsNoError) {
  RunOptions options;
  options.standard_input = std::string(size_t{1} << 20, 'x');
  const absl::StatusOr<RunResult> result = RunIt(Child({"both"}), options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, ExitStatus::Exited(0));
  EXPECT_EQ(result->standard_output, "out");
}

TEST_P(RunTest, StreamsThatLeadElsewhereAreLeftAlone) {
  const std::string path = TempPath("output");
  Command command = Child({"both"});
  command.standard_output = Stdio::WriteFile(path);
  absl::StatusOr<RunResult> result = RunIt(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(ReadFile(path), "out");
  EXPECT_EQ(result->standard_output, "");
  EXPECT_EQ(result->standard_error, "err");
  command = Child({"echo"});
  command.standard_input = Stdio::ReadFile(path);
  EXPECT_EQ(RunIt(command)->standard_output, "out");
}

TEST_P(RunTest, BothOutputsMayBeOne) {
  Command command = Child({"both"});
  command.standard_error = Stdio::StandardOutput();
  const absl::StatusOr<RunResult> result = RunIt(command);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->standard_output, "outerr");
  EXPECT_EQ(result->standard_error, "");
}

// ---- Limits ----

TEST_P(RunTest, AChildThatTakesTooLongIsKilled) {
  RunOptions options;
  options.timeout = absl::Milliseconds(1);
  const absl::Status status = RunIt(Child({"pause"}), options).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("was killed: it ran for longer than 1ms"));
}

TEST_P(RunTest, AChildThatPrintsTooMuchIsKilled) {
  RunOptions options;
  options.max_output_bytes = 100000;
  const absl::Status status =
      RunIt(Command::Function(PrintForEver), options).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("more than 100000 bytes to standard output"));
}

TEST_P(RunTest, TheCapIsExactAndOfEachOutput) {
  RunOptions options;
  options.max_output_bytes = 3;
  EXPECT_EQ(RunIt(Child({"both"}), options)->standard_error, "err");
  options.max_output_bytes = 2;
  EXPECT_TRUE(
      absl::IsResourceExhausted(RunIt(Child({"both"}), options).status()));
}

// ---- What runs on after the child ----

TEST_P(RunTest, AGrandchildThatKeepsTheOutputsIsNotWaitedFor) {
  const absl::StatusOr<RunResult> result =
      RunIt(Command::Function(LeaveAChildBehind, ChildProgram()));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, ExitStatus::Exited(0)) << result->standard_error;
  int64_t pid = 0;
  ASSERT_TRUE(absl::SimpleAtoi(result->standard_output, &pid))
      << result->standard_output;
  // On Windows it has ended with its parent.
  EXPECT_TRUE(is_windows() || KillPid(pid).ok());
}

TEST_P(RunTest, AllIsCapturedWithoutAnyGrace) {
  RunOptions options;
  options.output_grace = absl::ZeroDuration();
  options.standard_input = std::string(50000, 'x');
  for (int i = 0; i < 20; ++i) {
    const absl::StatusOr<RunResult> result = RunIt(Child({"echo"}), options);
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->standard_output.size(), 50000u);
  }
}

TEST_P(RunTest, WhatAGrandchildPrintsWithinTheGraceIsCaptured) {
  if (is_windows()) GTEST_SKIP() << "there a grandchild ends with its parent";
  RunOptions options;
  options.output_grace = absl::InfiniteDuration();
  const absl::StatusOr<RunResult> result =
      RunIt(Command::Function(LeaveALatePrinterBehind), options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status, ExitStatus::Exited(0)) << result->standard_error;
  EXPECT_EQ(result->standard_output, "early late");
}

// ---- Errors ----

TEST_P(RunTest, ErrorsOfSpawnAreReturned) {
  EXPECT_TRUE(
      absl::IsNotFound(RunIt(Command::Program("/no/such/program")).status()));
}

TEST_P(RunTest, PipesAndTwoInputsAreInvalid) {
  for (Stdio Command::*const stream :
       {&Command::standard_input, &Command::standard_output,
        &Command::standard_error}) {
    Command command = Child({"both"});
    command.*stream = Stdio::Pipe();
    EXPECT_TRUE(absl::IsInvalidArgument(RunIt(command).status()));
  }
  Command command = Child({"echo"});
  command.standard_input = Stdio::Null();
  RunOptions options;
  options.standard_input = "text";
  EXPECT_TRUE(absl::IsInvalidArgument(RunIt(command, options).status()));
}

TEST(RunByDefaultTest, UsesTheDefaultExecutor) {
  const absl::StatusOr<RunResult> result =
      multiproc::Run(Command::Program(ChildProgram(), {"both"}));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->standard_output, "out");
}

MULTIPROC_FOR_EVERY_BACKEND(RunTest);

}  // namespace
}  // namespace multiproc
