// What only a program as a whole can show: its streams, its death, its exit.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <climits>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/proto/task.pb.h"
#include "tests/backends.h"
#include "tests/read_text.h"
#include "tests/temp_path.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class WholeProgramTest : public BackendTest {
 protected:
  // Starts the program with this backend as its default.
  Process Start(std::vector<std::string> arguments) {
    Command command =
        Command::Program(getenv("WHOLE_PROGRAM"), std::move(arguments));
    command.environment = {{"MULTIPROC_EXECUTOR", GetParam()}};
    command.standard_output = Stdio::Pipe();
    absl::StatusOr<Process> process = executor().Spawn(command);
    EXPECT_TRUE(process.ok()) << process.status();
    return process.ok() ? *std::move(process) : Process();
  }

  static std::vector<std::string> LinesOf(Process& process) {
    const std::string text = ReadText(process.standard_output().get());
    std::vector<std::string> lines = absl::StrSplit(text, '\n');
    if (lines.back().empty()) lines.pop_back();
    return lines;
  }
};

TEST_P(WholeProgramTest, NothingIsPrintedTwice) {
  Process program = Start({"print"});
  EXPECT_THAT(LinesOf(program), ElementsAre("before", "before stream", "child",
                                            "child stream", "after"));
  EXPECT_EQ(*program.Wait(), ExitStatus::Exited(0));
}

// The end of its output comes only when the daemons have gone.
TEST_P(WholeProgramTest, DaemonsEndWithTheirParent) {
  Process program = Start({"daemons"});
  EXPECT_TRUE(ReadToEnd(program.standard_output().get()).ok());
  EXPECT_EQ(*program.Wait(), ExitStatus::Exited(0));
}

TEST_P(WholeProgramTest, ADaemonThatIsStartedDuringExitIsKilledAtOnce) {
  Process program = Start({"late"});
  const std::vector<std::string> lines = LinesOf(program);
  ASSERT_FALSE(lines.empty());
  EXPECT_THAT(lines.back(), StartsWith("killed by signal 9"));
  EXPECT_EQ(*program.Wait(), ExitStatus::Exited(0));
}

TEST_P(WholeProgramTest, TheExitOfAForkedProcessKillsNoDaemonOfItsParent) {
  if (is_windows()) GTEST_SKIP() << "Windows has no fork";
  Process program = Start({"fork"});
  EXPECT_THAT(LinesOf(program),
              ElementsAre("0 children", "exited with code 0"));
  EXPECT_EQ(*program.Wait(), ExitStatus::Exited(0));
}

// The end of its output comes only when the last worker has gone, which were in
// the middle of a task each.
TEST_P(WholeProgramTest, NoWorkerOutlivesAKilledParent) {
  Process program = Start({"die"});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ReadLine(program.standard_output().get()), "busy");
  }
  EXPECT_TRUE(program.Kill().ok());
  EXPECT_EQ(*ReadToEnd(program.standard_output().get()), "");
}

// Here nobody is left who could kill them.
TEST_P(WholeProgramTest, NoIdleWorkerOutlivesAKilledParent) {
  Process program = Start({"idle"});
  ASSERT_EQ(ReadLine(program.standard_output().get()), "idle");
  EXPECT_TRUE(program.Kill().ok());
  EXPECT_EQ(*ReadToEnd(program.standard_output().get()), "");
}

// Nor what a child has started in turn.
TEST_P(WholeProgramTest, NoProgramOutlivesAKilledParent) {
  if (!is_windows()) GTEST_SKIP() << "a program outlives its parent on POSIX";
  Process program = Start({"descend", "2"});
  EXPECT_EQ(ReadLine(program.standard_output().get()), "busy");
  EXPECT_TRUE(program.Kill().ok());
  EXPECT_EQ(*ReadToEnd(program.standard_output().get()), "");
}

TEST_P(WholeProgramTest, APoolWorksWithoutStandardStreams) {
  const std::string path = TempPath("daemon");
  Process program = Start({"daemon", path});
  EXPECT_EQ(*program.Wait(), ExitStatus::Exited(0));
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  EXPECT_EQ(text, "5 OK");
}

TEST_P(WholeProgramTest, APoolThatLivesUntilExitRunsItsTasks) {
  Process program = Start({"leave"});
  EXPECT_THAT(
      LinesOf(program),
      UnorderedElementsAre("task 0", "task 1", "task 2", "task 3", "task 4"));
  EXPECT_EQ(*program.Wait(), ExitStatus::Exited(0));
}

MULTIPROC_FOR_EVERY_BACKEND(WholeProgramTest);

class NoInitializeTest : public BackendTest {};

TEST_P(NoInitializeTest, AProgramThatForgotInitializeIsToldInTheParent) {
  Command command = Command::Program(getenv("NO_INITIALIZE"));
  command.environment = {{"MULTIPROC_EXECUTOR", GetParam()}};
  command.standard_output = Stdio::Pipe();
  absl::StatusOr<Process> program = executor().Spawn(command);
  ASSERT_TRUE(program.ok()) << program.status();
  const std::string text = ReadText(program->standard_output().get());
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  ASSERT_EQ(lines.size(), 3) << text;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(lines[i], HasSubstr("FAILED_PRECONDITION"));
    EXPECT_THAT(lines[i], HasSubstr("multiproc::Initialize(&argc, &argv)"));
  }
}

MULTIPROC_FOR_EVERY_BACKEND(NoInitializeTest);

// A stray variable in the environment must not make a program do nothing, or
// something else.
TEST(InitializeTest, AStrayCallIsRefused) {
  Command command = Command::Program(getenv("WHOLE_PROGRAM"), {"print"});
  command.environment = {{"MULTIPROC_CHILD", "77"}};
  command.standard_error = Stdio::Pipe();
  absl::StatusOr<Process> program = (*DefaultExecutor())->Spawn(command);
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_THAT(*ReadToEnd(program->standard_error().get()),
              HasSubstr("MULTIPROC_CHILD=77"));
  EXPECT_EQ(*program->Wait(), ExitStatus::Exited(1));
}

#ifndef _WIN32

// Nor must a call that was made for another process, whatever it says that this
// one has inherited.
TEST(InitializeTest, ACallWithHandlesThatAreNotThereIsRefused) {
  ChildStart many_handles;
  many_handles.set_num_handles(~uint32_t{0});
  ChildStart failure_pipe;
  failure_pipe.set_limits("limits");
  failure_pipe.set_failure_pipe(INT_MAX);
  for (ChildStart start : {many_handles, failure_pipe}) {
    start.mutable_call()->set_function("Anything");
    absl::StatusOr<Pipe> pipe = Pipe::Create();
    ASSERT_TRUE(pipe.ok()) << pipe.status();
    ASSERT_TRUE(
        WriteAll(pipe->write_end.get(), start.SerializeAsString()).ok());
    pipe->write_end.reset();
    Command command = Command::Program(getenv("WHOLE_PROGRAM"), {"print"});
    command.inherited_handles = {pipe->read_end.get()};
    command.environment = {{"MULTIPROC_CHILD", "3"}};
    command.standard_error = Stdio::Pipe();
    absl::StatusOr<Process> program = (*DefaultExecutor())->Spawn(command);
    ASSERT_TRUE(program.ok()) << program.status();
    EXPECT_THAT(*ReadToEnd(program->standard_error().get()),
                HasSubstr("MULTIPROC_CHILD=3 in the environment, but "
                          "descriptors that it goes with are not open"));
    EXPECT_EQ(*program->Wait(), ExitStatus::Exited(1));
  }
}

#endif  // _WIN32

}  // namespace
}  // namespace multiproc
