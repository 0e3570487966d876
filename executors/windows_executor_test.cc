// What executor_contract_test can't say of every backend.

#include "multiproc/executors/windows_executor.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/functions/function.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

void PrintWhetherInJob() {
  BOOL in_job = FALSE;
  IsProcessInJob(GetCurrentProcess(), nullptr, &in_job);
  std::printf("%s", in_job != 0 ? "in a job" : "in none");
}
MULTIPROC_FUNCTION(PrintWhetherInJob);

void PrintVariable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  std::printf("%s", value == nullptr ? "unset" : value);
}
MULTIPROC_FUNCTION(PrintVariable);

uint64_t NumberOf(FileHandle handle) {
  return reinterpret_cast<uintptr_t>(handle);
}

// Whether the handle of that number is the pipe that "hello" comes out of.
void WriteToNumber(uint64_t number) {
  WriteAll(reinterpret_cast<FileHandle>(static_cast<uintptr_t>(number)),
           "hello")
      .IgnoreError();
}
MULTIPROC_FUNCTION(WriteToNumber);

std::string OutputOf(Executor& executor, Command command) {
  command.standard_output = Stdio::Pipe();
  absl::StatusOr<Process> process = executor.Spawn(command);
  EXPECT_TRUE(process.ok()) << process.status();
  if (!process.ok()) return "";
  std::string text = *ReadToEnd(process->standard_output().get());
  EXPECT_EQ(*process->Wait(), ExitStatus::Exited(0));
  return text;
}

class WindowsExecutorTest : public testing::TestWithParam<bool> {
 protected:
  WindowsExecutorTest() : executor_(MakeOptions()) {}

  static WindowsExecutorOptions MakeOptions() {
    WindowsExecutorOptions options;
    options.join_job_suspended = GetParam();
    return options;
  }

  WindowsExecutor executor_;
};

TEST_P(WindowsExecutorTest, ChildrenAreInAJobFromTheStart) {
  EXPECT_EQ(OutputOf(executor_, Command::Function(PrintWhetherInJob)),
            "in a job");
}

TEST_P(WindowsExecutorTest, VariablesAreTheSameInCapitalsOrNot) {
  _putenv_s("TEST_Capitals", "parent's");
  Command command = Command::Function(PrintVariable, "TEST_CAPITALS");
  EXPECT_EQ(OutputOf(executor_, command), "parent's");
  command.environment = {{"test_capitals", "command's"}};
  EXPECT_EQ(OutputOf(executor_, command), "command's");
  command.environment = {{"test_capitals", std::nullopt}};
  EXPECT_EQ(OutputOf(executor_, command), "unset");
}

// Not even an inheritable one.
TEST_P(WindowsExecutorTest, AHandleThatIsNotNamedIsNotInherited) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  ASSERT_TRUE(pipe.ok()) << pipe.status();
  const FileHandle handle = pipe->write_end.get();
  SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
  EXPECT_EQ(
      OutputOf(executor_, Command::Function(WriteToNumber, NumberOf(handle))),
      "");
  pipe->write_end.reset();
  EXPECT_EQ(*ReadToEnd(pipe->read_end.get()), "");
}

TEST_P(WindowsExecutorTest, NoHandleIsLeftInheritable) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  ASSERT_TRUE(pipe.ok()) << pipe.status();
  Command command = Command::Function(PrintWhetherInJob);
  command.inherited_handles = {pipe->write_end.get()};
  OutputOf(executor_, command);
  DWORD flags = 0;
  ASSERT_NE(GetHandleInformation(pipe->write_end.get(), &flags), 0);
  EXPECT_EQ(flags & HANDLE_FLAG_INHERIT, 0u);
}

TEST_P(WindowsExecutorTest, WhatIsNotUtf8IsInvalid) {
  const std::string bad = "\xff\xfe";
  Command directory = Command::Function(PrintWhetherInJob);
  directory.working_directory = bad;
  Command variable = Command::Function(PrintWhetherInJob);
  variable.environment = {{"NAME", bad}};
  Command input = Command::Function(PrintWhetherInJob);
  input.standard_input = Stdio::ReadFile(bad);
  for (const Command& command :
       {Command::Program(bad + "/x"), Command::Program(bad), directory,
        variable, input}) {
    const absl::Status status = executor_.Spawn(command).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("not UTF-8"));
  }
}

TEST_P(WindowsExecutorTest, ABatchFileIsRefusedUnderEveryName) {
  const std::string path = testing::TempDir() + "\\refused.bat";
  std::ofstream(path) << "@echo started\n";
  for (const std::string& name :
       {path, path + ".", path + " ", path + "::$DATA",
        std::string("refused.CMD")}) {
    const absl::Status status =
        executor_.Spawn(Command::Program(name, {"\"&calc"})).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("cmd.exe"));
  }
}

INSTANTIATE_TEST_SUITE_P(Job, WindowsExecutorTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& suspended) {
                           return suspended.param ? "Suspended" : "AtOnce";
                         });

}  // namespace
}  // namespace multiproc
