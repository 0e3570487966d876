// What every backend does alike, for programs and for functions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/barrier.h"
#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "tests/executor_fixture.h"
#include "tests/read_file.h"
#include "tests/read_text.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

namespace multiproc {

void Pause() { PauseForEver(); }
MULTIPROC_FUNCTION(Pause);

void PrintHandlerOf(int signal) {
  const auto handler = std::signal(signal, SIG_DFL);
  printf("%s", handler == SIG_DFL   ? "default"
               : handler == SIG_IGN ? "ignored"
                                    : "handled");
}
MULTIPROC_FUNCTION(PrintHandlerOf);

namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- Functions that are run in children ----

void WriteTo(int index, const std::string& text) {
  WriteAll(InheritedHandles()[index], text).IgnoreError();
}
MULTIPROC_FUNCTION(WriteTo);

void Print(const std::string& text) { printf("%s", text.c_str()); }
MULTIPROC_FUNCTION(Print);

absl::Status Refuse(const std::string& why) {
  return absl::OutOfRangeError(why);
}
MULTIPROC_FUNCTION(Refuse);

void Throw() { throw std::runtime_error("thrown on purpose"); }
MULTIPROC_FUNCTION(Throw);

void DieBy(int signal) { DieBySignal(signal); }
MULTIPROC_FUNCTION(DieBy);

void LeaveWith(int code) { ExitAtOnce(static_cast<uint32_t>(code)); }
MULTIPROC_FUNCTION(LeaveWith);

void PrintVariable(const std::string& name) {
  const char* value = getenv(name.c_str());
  printf("%s", value == nullptr ? "unset" : value);
}
MULTIPROC_FUNCTION(PrintVariable);

void PrintDirectory() {
  printf("%s", std::filesystem::current_path().string().c_str());
}
MULTIPROC_FUNCTION(PrintDirectory);

void PrintSize(const std::string& text) { printf("%zu", text.size()); }
MULTIPROC_FUNCTION(PrintSize);

void CopyInput() { printf("%s", ReadToEnd(StandardInput())->c_str()); }
MULTIPROC_FUNCTION(CopyInput);

absl::Status PrintInGrandchild(const std::string& text) {
  absl::StatusOr<Process> child = Spawn(Print, text);
  if (!child.ok()) return child.status();
  return child->Wait().status();
}
MULTIPROC_FUNCTION(PrintInGrandchild);

// Says when it listens, and exits with a code of its own when it is asked to
// end.
void LeaveOnTerminate() {
  std::signal(SIGTERM, [](int) { ExitAtOnce(42); });
  printf("ready\n");
  fflush(stdout);
  PauseForEver();
}
MULTIPROC_FUNCTION(LeaveOnTerminate);

void IgnoreTerminate() {
  std::signal(SIGTERM, SIG_IGN);
  printf("ready\n");
  fflush(stdout);
  PauseForEver();
}
MULTIPROC_FUNCTION(IgnoreTerminate);

void NotRegistered() {}

// ---- Ends ----

TEST_P(ExecutorTest, ReportsExitCodes) {
  EXPECT_EQ(Run(Child({"exit", "0"})), ExitStatus::Exited(0));
  EXPECT_EQ(Run(Child({"exit", "3"})), ExitStatus::Exited(3));
  EXPECT_EQ(Run(Child({"exit", "255"})), ExitStatus::Exited(255));
}

TEST_P(ExecutorTest, ExitCodesHave32Bits) {
  if (!is_windows()) GTEST_SKIP() << "POSIX keeps 8 bits of an exit code";
  const ExitStatus status = Run(Child({"exit", "0xC0000005"}));
  EXPECT_EQ(status, ExitStatus::Exited(0xC0000005));
  EXPECT_EQ(status.ToString(),
            "exited with code 0xC0000005 (STATUS_ACCESS_VIOLATION)");
}

TEST_P(ExecutorTest, TellsSignalsFromExitCodes) {
  EXPECT_EQ(Run(Child({"raise", "9"})), ExitStatus::Signaled(9));
  EXPECT_EQ(Run(Child({"exit", "9"})), ExitStatus::Exited(9));
  EXPECT_EQ(Run(Command::Function(DieBy, kSigTerm)),
            ExitStatus::Signaled(kSigTerm));
  EXPECT_EQ(Run(Command::Function(LeaveWith, 15)), ExitStatus::Exited(15));
}

TEST_P(ExecutorTest, WaitGivesTheSameAnswerEachTime) {
  Process process = SpawnOrDie(Child({"exit", "4"}));
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(4));
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(4));
  EXPECT_EQ(*process.WaitWithTimeout(absl::ZeroDuration()),
            ExitStatus::Exited(4));
}

TEST_P(ExecutorTest, ManyThreadsMayWait) {
  Process process = SpawnOrDie(Child({"pause"}));
  {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&process] {
        EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigKill));
      });
    }
    EXPECT_TRUE(process.Kill().ok());
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_P(ExecutorTest, WaitWithTimeoutLetsTheChildRun) {
  Process process = SpawnOrDie(Child({"pause"}));
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), absl::Milliseconds(20)}) {
    const absl::Status status = process.WaitWithTimeout(timeout).status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat(process.pid())));
  }
  EXPECT_TRUE(process.Kill().ok());
  EXPECT_EQ(*process.WaitWithTimeout(absl::Minutes(1)),
            ExitStatus::Signaled(kSigKill));
}

TEST_P(ExecutorTest, WaitsForAHundredChildrenAtOnce) {
  std::vector<Process> processes;
  for (int i = 0; i < 100; ++i) {
    processes.push_back(SpawnOrDie(Child({"exit", absl::StrCat(i)})));
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(*processes[i].Wait(), ExitStatus::Exited(i));
  }
}

TEST_P(ExecutorTest, TerminatesAndKillsFunctions) {
  Process terminated = SpawnOrDie(Command::Function(Pause));
  EXPECT_TRUE(terminated.Terminate().ok());
  EXPECT_EQ(*terminated.Wait(), ExitStatus::Signaled(kSigTerm));
  Process killed = SpawnOrDie(Command::Function(Pause));
  EXPECT_TRUE(killed.Kill().ok());
  EXPECT_EQ(*killed.Wait(), ExitStatus::Signaled(kSigKill));
}

TEST_P(ExecutorTest, TerminatesAndKillsProgramsInGroupsOfTheirOwn) {
  if (!HasConsole()) GTEST_SKIP() << "Ctrl-Break needs a console";
  Command command = Child({"announce"});
  command.process_group = 0;
  command.standard_output = Stdio::Pipe();
  Process terminated = SpawnOrDie(command);
  // On Windows a program that has not begun may miss it.
  EXPECT_EQ(ReadLine(terminated.standard_output().get()), "ready");
  terminated.set_on_destroy(Process::OnDestroy::kKill);
  const absl::Status status = terminated.Terminate();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(*terminated.Wait(), EndOfTerminatedProgram());
  Process killed = SpawnOrDie(command);
  EXPECT_TRUE(killed.Kill().ok());
  EXPECT_EQ(*killed.Wait(), ExitStatus::Signaled(kSigKill));
}

TEST_P(ExecutorTest, TerminateReachesTheHandlerThatAFunctionHasSet) {
  Command command = Command::Function(LeaveOnTerminate);
  command.standard_output = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  EXPECT_EQ(ReadLine(process.standard_output().get()), "ready");
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(42));
}

TEST_P(ExecutorTest, AFunctionMayIgnoreTerminate) {
  Command command = Command::Function(IgnoreTerminate);
  command.standard_output = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  EXPECT_EQ(ReadLine(process.standard_output().get()), "ready");
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_TRUE(process.Kill().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(kSigKill));
}

TEST_P(ExecutorTest, EndingAnEndedChildIsNoError) {
  Process process = SpawnOrDie(Child({"exit", "0"}));
  EXPECT_TRUE(WaitReadable(process.exit_event(), absl::InfiniteDuration()));
  EXPECT_TRUE(process.Terminate().ok());
  process.Wait().IgnoreError();
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_TRUE(process.Kill().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(0));
}

TEST_P(ExecutorTest, AProcessThatIsNoneSaysSo) {
  Process process = SpawnOrDie(Child({"exit", "0"}));
  const Process moved = std::move(process);
  EXPECT_FALSE(static_cast<bool>(process));  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(process.pid(), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(process.Wait().status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(process.Kill()));
  EXPECT_TRUE(absl::IsFailedPrecondition(process.Terminate()));
  EXPECT_FALSE(process.standard_input().is_valid());
}

TEST_P(ExecutorTest, TheDestructorJoins) {
  const std::string path = TempPath("joined");
  {
    Command command = Child({"echo"});
    command.standard_input = Stdio::Pipe();
    command.standard_output = Stdio::WriteFile(path);
    Process process = SpawnOrDie(command);
    ASSERT_TRUE(WriteAll(process.standard_input().get(), "all of it").ok());
    // The end of its input comes with the destructor.
  }
  EXPECT_EQ(ReadFile(path), "all of it");
}

TEST_P(ExecutorTest, TheDestructorCanKillOrTerminate) {
  for (const Command& command : {Child({"pause"}), Command::Function(Pause)}) {
    for (const auto policy :
         {Process::OnDestroy::kKill, Process::OnDestroy::kTerminate}) {
      int64_t pid = 0;
      {
        Process process = SpawnOrDie(command);
        process.set_on_destroy(policy);
        pid = process.pid();
      }
      EXPECT_FALSE(IsAlive(pid));
    }
  }
}

TEST_P(ExecutorTest, ADetachedChildRunsOnAndIsCollected) {
  int64_t pid = 0;
  absl::StatusOr<Pipe> input = Pipe::Create();
  absl::StatusOr<Pipe> output = Pipe::Create();
  {
    Command command = Child({"echo"});
    command.standard_input = Stdio::Handle(input->read_end.get());
    command.standard_output = Stdio::Handle(output->write_end.get());
    Process process = SpawnOrDie(command);
    process.set_on_destroy(Process::OnDestroy::kDetach);
    pid = process.pid();
  }
  EXPECT_TRUE(IsAlive(pid)) << "it should still run";
  input->read_end.reset();
  input->write_end.reset();
  output->write_end.reset();
  EXPECT_EQ(*ReadToEnd(output->read_end.get()), "");
  // It is ending; and without a pidfd, a thread has to notice it first.
  for (int i = 0; i < 1000 && IsAlive(pid); ++i) {
    EXPECT_EQ(Run(Child({"exit", "0"})), ExitStatus::Exited(0));
  }
  EXPECT_FALSE(IsAlive(pid)) << "a zombie was left";
  // On Windows it is gone before it is collected.
  EXPECT_EQ(Run(Child({"exit", "0"})), ExitStatus::Exited(0));
}

// ---- What the child gets ----

TEST_P(ExecutorTest, ArgumentsArriveAsTheyAre) {
  const std::string great(kGreatArgumentSize, 'x');
  EXPECT_EQ(
      OutputOf(Child({"arguments", "", "a b", "\"'\\", "\n\t", "中文", great})),
      absl::StrCat("0:\n3:a b\n3:\"'\\\n2:\n\t\n6:中文\n", great.size(), ":",
                   great, "\n"));
}

// What shells and parsers of command lines take for something else, and what
// has more than one byte.
std::string RandomArgument(std::mt19937& random) {
  constexpr const char* kPieces[] = {
      "\"",   "\"", "\\", "\\",     "\\",    " ", " ",  "\t", "\n",
      "\r\n", "a",  "bc", "%PATH%", "$HOME", "^", "&",  "|",  "'",
      "`",    "*",  "?",  "-",      "/",     "é", "中", "文", "😀"};
  std::string argument;
  for (uint32_t size = random() % 10; size > 0; --size) {
    argument += kPieces[random() % std::size(kPieces)];
  }
  return argument;
}

TEST_P(ExecutorTest, AnyArgumentsArriveAsTheyAre) {
  std::mt19937 random(20240229);
  for (int i = 0; i < 200; ++i) {
    std::vector<std::string> arguments = {"arguments"};
    std::string expected;
    for (uint32_t count = random() % 8; count > 0; --count) {
      arguments.push_back(RandomArgument(random));
      absl::StrAppend(&expected, arguments.back().size(), ":", arguments.back(),
                      "\n");
    }
    EXPECT_EQ(OutputOf(Child(arguments)), expected);
  }
}

TEST_P(ExecutorTest, AnArgumentBeyondTheSystemsLimitIsRefused) {
  EXPECT_FALSE(
      SpawnError(Child({"arguments", std::string(8 << 20, 'x')})).ok());
}

TEST_P(ExecutorTest, PipesCarryInputAndOutput) {
  Command command = Child({"echo"});
  command.standard_input = Stdio::Pipe();
  command.standard_output = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  ASSERT_TRUE(WriteAll(process.standard_input().get(), "through").ok());
  process.standard_input().reset();
  EXPECT_EQ(*ReadToEnd(process.standard_output().get()), "through");
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(0));
}

TEST_P(ExecutorTest, FunctionsHaveStreamsToo) {
  Command command = Command::Function(CopyInput);
  command.standard_input = Stdio::Pipe();
  command.standard_output = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  ASSERT_TRUE(WriteAll(process.standard_input().get(), "to a function").ok());
  process.standard_input().reset();
  EXPECT_EQ(*ReadToEnd(process.standard_output().get()), "to a function");
}

TEST_P(ExecutorTest, NullIsAtItsEndAndSwallows) {
  Command command = Child({"echo"});
  command.standard_input = Stdio::Null();
  EXPECT_EQ(OutputOf(command), "");
  Command both = Child({"both"});
  both.standard_output = Stdio::Null();
  both.standard_error = Stdio::Null();
  EXPECT_EQ(Run(both), ExitStatus::Exited(0));
}

TEST_P(ExecutorTest, FilesAreReadWrittenAndAppended) {
  const std::string path = TempPath("file");
  Command write = Child({"both"});
  write.standard_output = Stdio::WriteFile(path);
  write.standard_error = Stdio::Null();
  Run(write);
  EXPECT_EQ(ReadFile(path), "out");
  Command append = write;
  append.standard_output = Stdio::AppendFile(path);
  Run(append);
  EXPECT_EQ(ReadFile(path), "outout");
  Command read = Child({"echo"});
  read.standard_input = Stdio::ReadFile(path);
  EXPECT_EQ(OutputOf(read), "outout");
  Run(write);
  EXPECT_EQ(ReadFile(path), "out") << "WriteFile empties the file";
}

TEST_P(ExecutorTest, StandardErrorMayFollowStandardOutput) {
  Command command = Child({"both"});
  command.standard_error = Stdio::StandardOutput();
  EXPECT_EQ(OutputOf(command), "outerr");
}

TEST_P(ExecutorTest, StandardErrorHasAPipeOfItsOwn) {
  Command command = Child({"both"});
  command.standard_output = Stdio::Null();
  command.standard_error = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  EXPECT_EQ(*ReadToEnd(process.standard_error().get()), "err");
}

TEST_P(ExecutorTest, AHandleBecomesAStream) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  Command command = Child({"both"});
  command.standard_output = Stdio::Handle(pipe->write_end.get());
  command.standard_error = Stdio::Null();
  Run(command);
  pipe->write_end.reset();
  EXPECT_EQ(*ReadToEnd(pipe->read_end.get()), "out");
}

TEST_P(ExecutorTest, TheEnvironmentIsExtended) {
  const ScopedVariable inherited("TEST_INHERITED", "yes");
  const ScopedVariable removed("TEST_REMOVED", "yes");
  Command command = Child({"environment"});
  command.environment = {{"TEST_ADDED", "a=b c"},
                         {"TEST_TEXT", "中文"},
                         {"TEST_REMOVED", std::nullopt}};
  const std::vector<std::string> lines =
      absl::StrSplit(OutputOf(command), '\n');
  EXPECT_THAT(
      lines, AllOf(Contains("TEST_INHERITED=yes"), Contains("TEST_ADDED=a=b c"),
                   Contains("TEST_TEXT=中文")));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("TEST_REMOVED"))));
  EXPECT_STREQ(getenv("TEST_REMOVED"), "yes");
}

TEST_P(ExecutorTest, TheEnvironmentIsReplaced) {
  Command command = Child({"environment"});
  command.inherit_environment = false;
  command.environment = {{"ONLY", "this"}};
  const ScopedVariable inherited("TEST_INHERITED", "yes");
  const std::string text = OutputOf(command);
  if (!is_windows()) {
    EXPECT_EQ(text, "ONLY=this\n");
  }
  // Windows may add what no program can do without (SystemRoot).
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  EXPECT_THAT(lines, AllOf(Contains("ONLY=this"),
                           Not(Contains(HasSubstr("TEST_INHERITED")))));
}

TEST_P(ExecutorTest, FunctionsHaveAnEnvironmentToo) {
  Command command = Command::Function(PrintVariable, "TEST_FUNCTION");
  command.environment = {{"TEST_FUNCTION", "set"}};
  EXPECT_EQ(OutputOf(command), "set");
  EXPECT_EQ(OutputOf(Command::Function(PrintVariable, kChildVariable)),
            "unset");
}

TEST_P(ExecutorTest, TheWorkingDirectoryIsTheChildsAlone) {
  const std::string path = TempPath("folder");
  std::filesystem::create_directory(path);
  const std::string folder = std::filesystem::canonical(path).string();
  const std::string here = std::filesystem::current_path().string();
  // The program's path is relative to the parent's directory.
  Command command = Child({"directory"});
  command.working_directory = folder;
  EXPECT_EQ(OutputOf(command), folder);
  Command function = Command::Function(PrintDirectory);
  function.working_directory = folder;
  EXPECT_EQ(OutputOf(function), folder);
  EXPECT_EQ(std::filesystem::current_path().string(), here);
}

TEST_P(ExecutorTest, ProgramsAreFoundInPath) {
  const std::filesystem::path program =
      std::filesystem::absolute(ChildProgram());
  const ScopedVariable path(
      "PATH",
      absl::StrCat(TempPath("no_such_folder"), std::string(1, kPathSeparator),
                   program.parent_path().string()));
  const std::string name = program.filename().string();
  EXPECT_EQ(Run(Command::Program(name, {"exit", "0"})), ExitStatus::Exited(0));
  EXPECT_EQ(Run(Command::Program("test_child", {"exit", "1"})),
            ExitStatus::Exited(1));
}

TEST_P(ExecutorTest, AChildGetsTheDescriptorsItWasGivenAndNoOther) {
  const FileHandle plain = OpenPlainHandle();
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  Command command = Child({"descriptors"});
  EXPECT_EQ(OutputOf(command), "0 1 2 ");
  command.inherited_handles = {pipe->read_end.get(), plain,
                               pipe->write_end.get()};
  EXPECT_EQ(OutputOf(command), "0 1 2 3 4 5 ");
  CloseHandleOf(plain);
}

TEST_P(ExecutorTest, AHundredHandlesAreInherited) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  Command command = Child({"write", "102"});
  command.inherited_handles.assign(100, pipe->write_end.get());
  EXPECT_EQ(Run(command), ExitStatus::Exited(0));
  pipe->write_end.reset();
  EXPECT_EQ(*ReadToEnd(pipe->read_end.get()), "hello");
}

// Other people's code opens handles that every child inherits. One of these
// would keep the end of file away as long as the child lives.
TEST_P(ExecutorTest, AChildHoldsNoHandleThatItWasNotGiven) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  MakeInheritable(pipe->read_end.get());
  MakeInheritable(pipe->write_end.get());
  Process program = SpawnOrDie(Child({"pause"}));
  Process function = SpawnOrDie(Command::Function(Pause));
  pipe->write_end.reset();
  EXPECT_TRUE(WaitReadable(pipe->read_end.get(), absl::Minutes(1)));
  EXPECT_FALSE(program.WaitWithTimeout(absl::ZeroDuration()).ok());
  EXPECT_FALSE(function.WaitWithTimeout(absl::ZeroDuration()).ok());
  EXPECT_TRUE(program.Kill().ok());
  EXPECT_TRUE(function.Kill().ok());
}

// A child of a thread of its own, which holds one pipe and not another.
struct Holder {
  Process process;
  Pipe given;
  Pipe kept;
};

TEST_P(ExecutorTest, ChildrenThatStartAtOnceHoldOnlyTheirOwnHandles) {
  constexpr int kThreads = 8;
  Holder holders[kThreads];
  auto* const barrier = new absl::Barrier(kThreads);
  std::vector<std::thread> threads;
  for (Holder& holder : holders) {
    threads.emplace_back([this, &holder, barrier] {
      holder.given = *Pipe::Create();
      holder.kept = *Pipe::Create();
      MakeInheritable(holder.given.write_end.get());
      MakeInheritable(holder.kept.write_end.get());
      Command command = Child({"hold", "3"});
      command.inherited_handles = {holder.given.write_end.get()};
      if (barrier->Block()) delete barrier;
      holder.process = SpawnOrDie(command);
      holder.given.write_end.reset();
      holder.kept.write_end.reset();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (Holder& holder : holders) {
    EXPECT_TRUE(WaitReadable(holder.kept.read_end.get(), absl::Minutes(1)))
        << "a child holds what it was not given";
    char text[5] = {};
    EXPECT_EQ(*ReadSome(holder.given.read_end.get(), text, 5), 5);
    EXPECT_EQ(std::string(text, 5), "hello");
  }
  for (Holder& holder : holders) {
    EXPECT_FALSE(
        WaitReadable(holder.given.read_end.get(), absl::ZeroDuration()));
    EXPECT_TRUE(holder.process.Kill().ok());
    EXPECT_TRUE(WaitReadable(holder.given.read_end.get(), absl::Minutes(1)))
        << "another child holds it, too";
  }
}

TEST_P(ExecutorTest, AHandleMayBeGivenTwice) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  Command command = Child({"write", "4"});
  command.inherited_handles = {pipe->write_end.get(), pipe->write_end.get()};
  command.standard_error = Stdio::Handle(pipe->write_end.get());
  EXPECT_EQ(Run(command), ExitStatus::Exited(0));
  pipe->write_end.reset();
  EXPECT_EQ(*ReadToEnd(pipe->read_end.get()), "hello");
}

TEST_P(ExecutorTest, InheritedHandlesArriveInTheirOrder) {
  absl::StatusOr<Pipe> first = Pipe::Create();
  absl::StatusOr<Pipe> second = Pipe::Create();
  Command command = Child({"write", "4"});
  command.inherited_handles = {first->write_end.get(), second->write_end.get()};
  EXPECT_EQ(Run(command), ExitStatus::Exited(0));
  first->write_end.reset();
  second->write_end.reset();
  EXPECT_EQ(*ReadToEnd(first->read_end.get()), "");
  EXPECT_EQ(*ReadToEnd(second->read_end.get()), "hello");
}

TEST_P(ExecutorTest, FunctionsFindTheirInheritedHandles) {
  absl::StatusOr<Pipe> first = Pipe::Create();
  absl::StatusOr<Pipe> second = Pipe::Create();
  Command command = Command::Function(WriteTo, 1, "to the second");
  command.inherited_handles = {first->write_end.get(), second->write_end.get()};
  EXPECT_EQ(Run(command), ExitStatus::Exited(0));
  first->write_end.reset();
  second->write_end.reset();
  EXPECT_EQ(*ReadToEnd(first->read_end.get()), "");
  EXPECT_EQ(*ReadToEnd(second->read_end.get()), "to the second");
}

void DoNothing(int) {}

TEST_P(ExecutorTest, AFunctionsChildHasNoneOfTheParentsHandlers) {
  std::signal(SIGTERM, DoNothing);
  EXPECT_EQ(OutputOf(Command::Function(PrintHandlerOf, kSigTerm)), "default");
  EXPECT_EQ(std::signal(SIGTERM, SIG_DFL), &DoNothing)
      << "the parent keeps its handler";
}

// ---- Functions ----

TEST_P(ExecutorTest, AFunctionsErrorIsExitCodeOneAndAMessage) {
  Command command = Command::Function(Refuse, "no such luck");
  command.standard_error = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  EXPECT_EQ(ReadText(process.standard_error().get()),
            "multiproc: Refuse: OUT_OF_RANGE: no such luck\n");
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(1));
}

TEST_P(ExecutorTest, AnExceptionIsExitCodeOneAndAMessage) {
  Command command = Command::Function(Throw);
  command.standard_error = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  EXPECT_EQ(ReadText(process.standard_error().get()),
            "multiproc: Throw: UNKNOWN: std::runtime_error: thrown on "
            "purpose\n");
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(1));
}

TEST_P(ExecutorTest, ArgumentsMayBeGreat) {
  EXPECT_EQ(OutputOf(Command::Function(PrintSize, std::string(8 << 20, 'x'))),
            "8388608");
}

TEST_P(ExecutorTest, AFunctionMayStartFunctions) {
  EXPECT_EQ(OutputOf(Command::Function(PrintInGrandchild, "from below")),
            "from below");
}

// A write end that a sibling keeps would keep the end of file away for ever.
TEST_P(ExecutorTest, SiblingsKeepNothingOpen) {
  Command echo = Child({"echo"});
  echo.standard_input = Stdio::Pipe();
  echo.standard_output = Stdio::Pipe();
  Process reader = SpawnOrDie(echo);
  Process sibling = SpawnOrDie(Command::Function(Pause));
  reader.standard_input().reset();
  EXPECT_EQ(*ReadToEnd(reader.standard_output().get()), "");
  EXPECT_EQ(*reader.Wait(), ExitStatus::Exited(0));
  EXPECT_TRUE(sibling.Kill().ok());
}

// ---- Bad input ----

TEST_P(ExecutorTest, AMissingProgramIsNotFound) {
  for (const std::string& program :
       {std::string("/no/such/program"), TempPath("no_such_program")}) {
    const absl::Status path = SpawnError(Command::Program(program));
    EXPECT_TRUE(absl::IsNotFound(path)) << path;
    EXPECT_THAT(std::string(path.message()),
                AllOf(HasSubstr("exec"), HasSubstr(program)));
  }
  const absl::Status path =
      SpawnError(Command::Program(TempPath("no_such_program")));
  EXPECT_THAT(std::string(path.message()), HasSubstr(kNotFoundError));
  const absl::Status name = SpawnError(Command::Program("no-such-program"));
  EXPECT_TRUE(absl::IsNotFound(name)) << name;
  EXPECT_THAT(std::string(name.message()),
              AllOf(HasSubstr("PATH"), HasSubstr("no-such-program")));
}

TEST_P(ExecutorTest, WhatIsNoProgramIsRefused) {
  const std::string path = TempPath("not_executable");
  std::ofstream(path) << "text";
  const absl::Status plain = SpawnError(Command::Program(path));
  EXPECT_TRUE(absl::IsPermissionDenied(plain)) << plain;
  EXPECT_THAT(std::string(plain.message()),
              AllOf(HasSubstr("exec"), HasSubstr(path)));
  EXPECT_TRUE(absl::IsPermissionDenied(
      SpawnError(Command::Program(testing::TempDir()))));
}

// cmd.exe would read their arguments by rules of its own.
TEST_P(ExecutorTest, BatchFilesAreRefused) {
  if (!is_windows()) GTEST_SKIP() << "POSIX has no batch files";
  for (const char* name :
       {"batch.bat", "batch.cmd", "BATCH.BAT", "batch.bat. "}) {
    const std::string path = TempPath(name);
    std::ofstream(path) << "@echo off\n";
    const absl::Status status = SpawnError(Command::Program(path, {"\"&calc"}));
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("cmd.exe"));
  }
}

TEST_P(ExecutorTest, AMissingDirectoryIsNotFound) {
  for (Command command : {Child({"directory"}), Command::Function(Pause)}) {
    command.working_directory = "/no/such/folder";
    const absl::Status status = SpawnError(command);
    EXPECT_TRUE(absl::IsNotFound(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("chdir"), HasSubstr("/no/such/folder")));
  }
}

TEST_P(ExecutorTest, AMissingFileIsNotFound) {
  Command command = Child({"echo"});
  command.standard_input = Stdio::ReadFile("/no/such/file");
  const absl::Status status = SpawnError(command);
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("open"), HasSubstr("/no/such/file")));
}

TEST_P(ExecutorTest, AClosedHandleIsRefused) {
  for (Command command : {Child({"exit", "0"}), Command::Function(Pause)}) {
    command.inherited_handles = {UnopenedHandle()};
    const absl::Status status = SpawnError(command);
    EXPECT_TRUE(absl::IsFailedPrecondition(status) ||
                absl::IsInvalidArgument(status))
        << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(NumberOf(UnopenedHandle())));
  }
}

TEST_P(ExecutorTest, BadFieldsAreInvalid) {
  Command nul = Child({std::string("a\0b", 3)});
  EXPECT_TRUE(absl::IsInvalidArgument(SpawnError(nul)));
  Command name = Child({"exit", "0"});
  name.environment = {{"A=B", "c"}};
  EXPECT_TRUE(absl::IsInvalidArgument(SpawnError(name)));
  EXPECT_TRUE(absl::IsInvalidArgument(SpawnError(Command::Program(""))));
}

TEST_P(ExecutorTest, AnUnregisteredFunctionIsNotFound) {
  const absl::Status status = SpawnError(Command::Function(NotRegistered));
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("MULTIPROC_FUNCTION"));
}

TEST_P(ExecutorTest, ManyThreadsMaySpawnPrograms) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(OutputOf(Child({"descriptors"})), "0 1 2 ");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

MULTIPROC_FOR_EVERY_BACKEND(ExecutorTest);

// ---- The choice of a backend ----

TEST(DefaultExecutorTest, TheEnvironmentChooses) {
  for (const std::string& name : ExecutorNames()) {
    const ScopedVariable variable("MULTIPROC_EXECUTOR", name);
    EXPECT_EQ((*DefaultExecutor())->name(), name);
  }
}

TEST(DefaultExecutorTest, AnUnknownNameIsNotFoundAndTellsTheOthers) {
  const ScopedVariable variable("MULTIPROC_EXECUTOR", "forc");
  const absl::Status status = DefaultExecutor().status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("MULTIPROC_EXECUTOR"), HasSubstr("'forc'"),
                    HasSubstr(absl::StrJoin(ExecutorNames(), ", "))));
  EXPECT_TRUE(absl::IsNotFound(ExecutorByName("spoon").status()));
}

}  // namespace
}  // namespace multiproc
