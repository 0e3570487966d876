#include "multiproc/executors/command.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"

namespace multiproc {

// Can't be packed.
struct Unpackable {};

template <>
struct Codec<Unpackable> {
  static std::string TypeName() { return "Unpackable"; }
  static void Encode(const Unpackable&, Encoder& out) { out.Fail("no way"); }
  static bool Decode(Decoder&, Unpackable*) { return true; }
};

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A number or a pointer, which CheckCommand does not look behind.
const FileHandle kSomeHandle = (FileHandle)4;  // NOLINT(readability/casting)

void Registered(int) {}
MULTIPROC_FUNCTION(Registered);

void TakesUnpackable(const Unpackable&) {}
MULTIPROC_FUNCTION(TakesUnpackable);

void Unregistered(int) {}

const absl::string_view kNul("a\0b", 3);

Command GoodProgram() { return Command::Program("sort", {"-n", ""}); }

void ExpectGood(const Command& command) {
  const absl::Status status = CheckCommand(command);
  EXPECT_TRUE(status.ok()) << status;
}

// INVALID_ARGUMENT whose message holds `field` and `why`.
void ExpectBad(const Command& command, absl::string_view field,
               absl::string_view why) {
  const absl::Status status = CheckCommand(command);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("Command: "), HasSubstr(std::string(field)),
                    HasSubstr(std::string(why))));
}

TEST(CommandTest, PlainProgramIsGood) {
  ExpectGood(GoodProgram());
  ExpectGood(Command::Program("/bin/true"));
}

TEST(CommandTest, CommandWithEveryFieldIsGood) {
  Command command = GoodProgram();
  command.environment = {
      {"SET", "value=with=signs"}, {"EMPTY", ""}, {"UNSET", std::nullopt}};
  command.inherit_environment = false;
  command.working_directory = "/";
  command.standard_input = Stdio::ReadFile("in");
  command.standard_output = Stdio::WriteFile("out");
  command.standard_error = Stdio::StandardOutput();
  command.inherited_handles.assign(256, kSomeHandle);
  command.process_group = 0;
  ExpectGood(command);
}

TEST(CommandTest, EveryStreamMayLeadAnywhereThatMakesSense) {
  for (const Stdio& stdio : {Stdio::Inherit(), Stdio::Null(), Stdio::Pipe(),
                             Stdio::Handle(kSomeHandle)}) {
    Command command = GoodProgram();
    command.standard_input = stdio;
    command.standard_output = stdio;
    command.standard_error = stdio;
    ExpectGood(command);
  }
  Command command = GoodProgram();
  command.standard_output = Stdio::AppendFile("out");
  command.standard_error = Stdio::AppendFile("err");
  ExpectGood(command);
}

TEST(CommandTest, EmptyProgramIsBad) {
  ExpectBad(Command::Program(""), "program's name", "empty");
}

TEST(CommandTest, NulInAStringIsBad) {
  const std::string nul(kNul);
  ExpectBad(Command::Program(nul), "program's name", "NUL");
  ExpectBad(Command::Program("sort", {"good", nul}), "argument", "NUL");

  Command variable = GoodProgram();
  variable.environment = {{nul, "value"}};
  ExpectBad(variable, "variable's name", "NUL");
  variable.environment = {{nul, std::nullopt}};
  ExpectBad(variable, "variable's name", "NUL");
  variable.environment = {{"GOOD", nul}};
  ExpectBad(variable, "environment's value", "NUL");

  Command directory = GoodProgram();
  directory.working_directory = nul;
  ExpectBad(directory, "working_directory", "NUL");

  Command input = GoodProgram();
  input.standard_input = Stdio::ReadFile(nul);
  ExpectBad(input, "standard_input", "NUL");
  Command output = GoodProgram();
  output.standard_output = Stdio::WriteFile(nul);
  ExpectBad(output, "standard_output", "NUL");
  Command error = GoodProgram();
  error.standard_error = Stdio::AppendFile(nul);
  ExpectBad(error, "standard_error", "NUL");
}

TEST(CommandTest, NamesThatNoVariableCanHaveAreBad) {
  for (const std::string name : {"", "=", "A=B"}) {
    Command command = GoodProgram();
    command.environment = {{name, "value"}};
    ExpectBad(command, "'" + name + "'", "name of an environment variable");
  }
}

TEST(CommandTest, OnlyStandardErrorMayLeadToStandardOutput) {
  Command input = GoodProgram();
  input.standard_input = Stdio::StandardOutput();
  ExpectBad(input, "standard_input", "only standard_error can");
  Command output = GoodProgram();
  output.standard_output = Stdio::StandardOutput();
  ExpectBad(output, "standard_output", "only standard_error can");
}

TEST(CommandTest, InputFromAFileToWriteIsBad) {
  for (const Stdio& stdio :
       {Stdio::WriteFile("file"), Stdio::AppendFile("file")}) {
    Command command = GoodProgram();
    command.standard_input = stdio;
    ExpectBad(command, "standard_input", "ReadFile()");
  }
}

TEST(CommandTest, OutputToAFileToReadIsBad) {
  Command output = GoodProgram();
  output.standard_output = Stdio::ReadFile("file");
  ExpectBad(output, "standard_output", "WriteFile()");
  Command error = GoodProgram();
  error.standard_error = Stdio::ReadFile("file");
  ExpectBad(error, "standard_error", "WriteFile()");
}

TEST(CommandTest, InvalidHandlesAreBad) {
  const Stdio invalid = Stdio::Handle(kInvalidFileHandle);
  Command input = GoodProgram();
  input.standard_input = invalid;
  ExpectBad(input, "standard_input", "invalid handle");
  Command output = GoodProgram();
  output.standard_output = invalid;
  ExpectBad(output, "standard_output", "invalid handle");
  Command error = GoodProgram();
  error.standard_error = invalid;
  ExpectBad(error, "standard_error", "invalid handle");
  Command inherited = GoodProgram();
  inherited.inherited_handles = {kSomeHandle, kInvalidFileHandle};
  ExpectBad(inherited, "inherited_handles", "invalid handle");
}

TEST(CommandTest, TooManyInheritedHandlesAreBad) {
  Command command = GoodProgram();
  command.inherited_handles.assign(257, kSomeHandle);
  ExpectBad(command, "257 inherited_handles", "at most 256");
}

TEST(CommandTest, NegativeProcessGroupIsBad) {
  Command command = GoodProgram();
  command.process_group = -1;
  ExpectBad(command, "process_group -1", "negative");
}

TEST(CommandTest, FirstOfSeveralFaultsIsReported) {
  Command command = Command::Program("");
  command.process_group = -1;
  ExpectBad(command, "program's name", "empty");
}

TEST(CommandTest, RegisteredFunctionIsGood) {
  ExpectGood(Command::Function(Registered, 1));
}

TEST(CommandTest, FaultsBesideAFunctionAreFound) {
  Command command = Command::Function(Registered, 1);
  command.standard_output = Stdio::ReadFile("file");
  ExpectBad(command, "standard_output", "WriteFile()");
}

TEST(CommandTest, UnregisteredFunctionIsNotFound) {
  const absl::Status status = CheckCommand(Command::Function(Unregistered, 1));
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("not registered"));
}

TEST(CommandTest, CallThatCannotBePackedIsBad) {
  const absl::Status status =
      CheckCommand(Command::Function(TakesUnpackable, Unpackable()));
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("no way"));
}

TEST(CommandTest, CallThatThisProgramDoesNotKnowIsNotFound) {
  Command command = Command::Function(Registered, 1);
  std::get<absl::StatusOr<FunctionCall>>(command.target)
      ->set_function("Elsewhere");
  const absl::Status status = CheckCommand(command);
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("'Elsewhere'"));
}

TEST(CommandTest, DescribeNamesWhatIsRun) {
  EXPECT_EQ(Describe(GoodProgram()), "program 'sort'");
  EXPECT_EQ(Describe(Command::Function(Registered, 1)),
            "function 'Registered'");
  EXPECT_EQ(Describe(Command::Function(Unregistered, 1)), "function '?'");
}

TEST(CommandTest, ANameIsDescribedToo) {
  Command command = GoodProgram();
  EXPECT_EQ(NameOf(command), "sort");
  EXPECT_EQ(NameOf(Command::Function(Registered, 1)), "Registered");
  command.name = "sorter";
  EXPECT_EQ(NameOf(command), "sorter");
  EXPECT_EQ(Describe(command), "program 'sort' named 'sorter'");
}

TEST(CommandTest, LimitsHaveRanges) {
  const auto check = [](auto set) {
    Command command = GoodProgram();
    set(command.limits);
    return CheckCommand(command);
  };
  EXPECT_TRUE(check([](Limits& limits) {
                limits.nice = -20;
                limits.umask = 0777;
                limits.cpus = {0, 63};
                limits.cpu_time = absl::Nanoseconds(1);
              }).ok());
  const absl::Status bad[] = {
      check([](Limits& limits) { limits.nice = -21; }),
      check([](Limits& limits) { limits.nice = 20; }),
      check([](Limits& limits) { limits.umask = 01000; }),
      check([](Limits& limits) { limits.cpus = {-1}; }),
      check([](Limits& limits) {
        limits.cpus = {0, 1024};
      }),
      check([](Limits& limits) { limits.cpu_time = absl::ZeroDuration(); }),
  };
  for (const absl::Status& status : bad) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  }
}

TEST(CommandTest, ANewSessionHasAGroupOfItsOwn) {
  Command command = GoodProgram();
  command.limits.new_session = true;
  EXPECT_TRUE(CheckCommand(command).ok());
  command.process_group = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckCommand(command)));
}

TEST(CommandTest, ANameIsOneString) {
  Command command = GoodProgram();
  command.name = std::string("a\0b", 3);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckCommand(command)));
}

}  // namespace
}  // namespace multiproc
