// What every backend does alike, for programs and for functions.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "tests/backends.h"
#include "tests/process_state.h"

namespace multiproc {
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

void DieBy(int signal) { raise(signal); }
MULTIPROC_FUNCTION(DieBy);

void LeaveWith(int code) { _exit(code); }
MULTIPROC_FUNCTION(LeaveWith);

void Pause() { pause(); }
MULTIPROC_FUNCTION(Pause);

void PrintVariable(const std::string& name) {
  const char* value = getenv(name.c_str());
  printf("%s", value == nullptr ? "unset" : value);
}
MULTIPROC_FUNCTION(PrintVariable);

void PrintDirectory() { printf("%s", std::filesystem::current_path().c_str()); }
MULTIPROC_FUNCTION(PrintDirectory);

void PrintSize(const std::string& text) { printf("%zu", text.size()); }
MULTIPROC_FUNCTION(PrintSize);

void CopyInput() { printf("%s", ReadToEnd(0)->c_str()); }
MULTIPROC_FUNCTION(CopyInput);

absl::Status PrintInGrandchild(const std::string& text) {
  absl::StatusOr<Process> child = Spawn(Print, text);
  if (!child.ok()) return child.status();
  return child->Wait().status();
}
MULTIPROC_FUNCTION(PrintInGrandchild);

void PrintBlockedSignals() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  for (int signal = 1; signal < 32; ++signal) {
    if (sigismember(&mask, signal) == 1) printf("%d ", signal);
  }
}
MULTIPROC_FUNCTION(PrintBlockedSignals);

void PrintHandlerOf(int signal) {
  struct sigaction action;
  sigaction(signal, nullptr, &action);
  printf("%s", action.sa_handler == SIG_DFL   ? "default"
               : action.sa_handler == SIG_IGN ? "ignored"
                                              : "handled");
}
MULTIPROC_FUNCTION(PrintHandlerOf);

void NotRegistered() {}

// ---- The fixture ----

std::string ChildProgram() { return getenv("TEST_CHILD"); }

Command Child(std::vector<std::string> arguments) {
  return Command::Program(ChildProgram(), std::move(arguments));
}

std::string TempPath(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/", getpid(), "_", name);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class ExecutorTest : public BackendTest {
 protected:
  void SetUp() override { before_ = ProcessState::Now(); }

  // No test may leave anything behind.
  void TearDown() override { EXPECT_EQ(LeftBehindSince(before_), ""); }

  Process SpawnOrDie(const Command& command) {
    absl::StatusOr<Process> process = executor().Spawn(command);
    EXPECT_TRUE(process.ok()) << process.status();
    return process.ok() ? *std::move(process) : Process();
  }

  ExitStatus Run(const Command& command) { return *SpawnOrDie(command).Wait(); }

  // What `command` prints, to the end of its output.
  std::string OutputOf(Command command) {
    command.standard_output = Stdio::Pipe();
    Process process = SpawnOrDie(command);
    std::string text = *ReadToEnd(process.standard_output().get());
    EXPECT_EQ(process.Wait()->ToString(), "exited with code 0");
    return text;
  }

  absl::Status SpawnError(const Command& command) {
    absl::StatusOr<Process> process = executor().Spawn(command);
    return process.status();
  }

  ProcessState before_;
};

// ---- Ends ----

TEST_P(ExecutorTest, ReportsExitCodes) {
  EXPECT_EQ(Run(Child({"exit", "0"})), ExitStatus::Exited(0));
  EXPECT_EQ(Run(Child({"exit", "3"})), ExitStatus::Exited(3));
  EXPECT_EQ(Run(Child({"exit", "255"})), ExitStatus::Exited(255));
}

TEST_P(ExecutorTest, TellsSignalsFromExitCodes) {
  EXPECT_EQ(Run(Child({"raise", "9"})), ExitStatus::Signaled(9));
  EXPECT_EQ(Run(Child({"exit", "9"})), ExitStatus::Exited(9));
  EXPECT_EQ(Run(Command::Function(DieBy, SIGTERM)),
            ExitStatus::Signaled(SIGTERM));
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
        EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(SIGKILL));
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
            ExitStatus::Signaled(SIGKILL));
}

TEST_P(ExecutorTest, TerminatesAndKills) {
  for (const Command& command : {Child({"pause"}), Command::Function(Pause)}) {
    Process terminated = SpawnOrDie(command);
    EXPECT_TRUE(terminated.Terminate().ok());
    EXPECT_EQ(*terminated.Wait(), ExitStatus::Signaled(SIGTERM));
    Process killed = SpawnOrDie(command);
    EXPECT_TRUE(killed.Kill().ok());
    EXPECT_EQ(*killed.Wait(), ExitStatus::Signaled(SIGKILL));
  }
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
  for (const auto policy :
       {Process::OnDestroy::kKill, Process::OnDestroy::kTerminate}) {
    Process process = SpawnOrDie(Child({"pause"}));
    process.set_on_destroy(policy);
  }
}

TEST_P(ExecutorTest, ADetachedChildRunsOnAndIsCollected) {
  int64_t pid = 0;
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  {
    Command command = Child({"echo"});
    command.standard_input = Stdio::Handle(pipe->read_end.get());
    Process process = SpawnOrDie(command);
    process.set_on_destroy(Process::OnDestroy::kDetach);
    pid = process.pid();
  }
  EXPECT_EQ(kill(static_cast<pid_t>(pid), 0), 0) << "it should still run";
  pipe->read_end.reset();
  pipe->write_end.reset();
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  // Without a pidfd, a thread has to notice it first.
  for (int i = 0; i < 1000 && kill(static_cast<pid_t>(pid), 0) == 0; ++i) {
    EXPECT_EQ(Run(Child({"exit", "0"})), ExitStatus::Exited(0));
  }
  EXPECT_NE(kill(static_cast<pid_t>(pid), 0), 0) << "a zombie was left";
}

TEST_P(ExecutorTest, SomebodyElsesWaitMakesTheStatusUnknown) {
  Process process = SpawnOrDie(Child({"exit", "5"}));
  int status = 0;
  ASSERT_EQ(waitpid(static_cast<pid_t>(process.pid()), &status, 0),
            process.pid());
  EXPECT_EQ(*process.Wait(), ExitStatus::Unknown());
}

TEST_P(ExecutorTest, IgnoringSigchldMakesTheStatusUnknown) {
  signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(Run(Child({"exit", "5"})), ExitStatus::Unknown());
  Process process = SpawnOrDie(Child({"pause"}));
  EXPECT_TRUE(process.Kill().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Unknown());
  signal(SIGCHLD, SIG_DFL);
}

// ---- What the child gets ----

TEST_P(ExecutorTest, ArgumentsArriveAsTheyAre) {
  EXPECT_EQ(OutputOf(Child({"arguments", "", "a b", "\"'\\", "\n\t", "中文",
                            std::string(100000, 'x')})),
            absl::StrCat("0:\n3:a b\n3:\"'\\\n2:\n\t\n6:中文\n100000:",
                         std::string(100000, 'x'), "\n"));
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
  setenv("TEST_INHERITED", "yes", 1);
  setenv("TEST_REMOVED", "yes", 1);
  Command command = Child({"environment"});
  command.environment = {{"TEST_ADDED", "a=b c"},
                         {"TEST_REMOVED", std::nullopt}};
  const std::vector<std::string> lines =
      absl::StrSplit(OutputOf(command), '\n');
  EXPECT_THAT(lines, AllOf(Contains("TEST_INHERITED=yes"),
                           Contains("TEST_ADDED=a=b c")));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("TEST_REMOVED"))));
  EXPECT_STREQ(getenv("TEST_REMOVED"), "yes");
}

TEST_P(ExecutorTest, TheEnvironmentIsReplaced) {
  Command command = Child({"environment"});
  command.inherit_environment = false;
  command.environment = {{"ONLY", "this"}};
  EXPECT_EQ(OutputOf(command), "ONLY=this\n");
}

TEST_P(ExecutorTest, FunctionsHaveAnEnvironmentToo) {
  Command command = Command::Function(PrintVariable, "TEST_FUNCTION");
  command.environment = {{"TEST_FUNCTION", "set"}};
  EXPECT_EQ(OutputOf(command), "set");
  EXPECT_EQ(OutputOf(Command::Function(PrintVariable, kChildVariable)),
            "unset");
}

TEST_P(ExecutorTest, TheWorkingDirectoryIsTheChildsAlone) {
  const std::string folder =
      std::filesystem::canonical(testing::TempDir()).string();
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
  EXPECT_EQ(Run(Command::Program("true")), ExitStatus::Exited(0));
  EXPECT_EQ(Run(Command::Program("false")), ExitStatus::Exited(1));
}

TEST_P(ExecutorTest, AChildGetsTheDescriptorsItWasGivenAndNoOther) {
  // Not close-on-exec, as other people's code opens them.
  const int plain = open("/dev/null", O_RDONLY);
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  Command command = Child({"descriptors"});
  EXPECT_EQ(OutputOf(command), "0 1 2 ");
  command.inherited_handles = {pipe->read_end.get(), plain,
                               pipe->write_end.get()};
  EXPECT_EQ(OutputOf(command), "0 1 2 3 4 5 ");
  close(plain);
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

// The numbers that the child is to see are in use in the parent, crosswise.
TEST_P(ExecutorTest, HandlesMayHaveTheNumbersOfOthersTargets) {
  absl::StatusOr<Pipe> a = Pipe::Create();
  absl::StatusOr<Pipe> b = Pipe::Create();
  const int old3 = dup(3);
  const int old4 = dup(4);
  dup2(a->write_end.get(), 4);
  dup2(b->write_end.get(), 3);
  Command command = Child({"write", "3"});
  command.inherited_handles = {4, 3};
  command.standard_output = Stdio::Handle(3);
  const absl::StatusOr<Process> process = executor().Spawn(command);
  for (const auto& [old, fd] : {std::pair(old3, 3), std::pair(old4, 4)}) {
    old >= 0 ? dup2(old, fd) : close(fd);
    if (old >= 0) close(old);
  }
  ASSERT_TRUE(process.ok()) << process.status();
  a->write_end.reset();
  b->write_end.reset();
  EXPECT_EQ(*ReadToEnd(a->read_end.get()), "hello");
  EXPECT_EQ(*ReadToEnd(b->read_end.get()), "");
}

TEST_P(ExecutorTest, ProcessGroupsAreMadeAndJoined) {
  EXPECT_EQ(OutputOf(Child({"group"})), absl::StrCat(getpgrp()));
  Command leader_command = Child({"pause"});
  leader_command.process_group = 0;
  Process leader = SpawnOrDie(leader_command);
  EXPECT_EQ(getpgid(static_cast<pid_t>(leader.pid())), leader.pid());
  Command member = Child({"group"});
  member.process_group = leader.pid();
  EXPECT_EQ(OutputOf(member), absl::StrCat(leader.pid()));
  Command function = Command::Function(Pause);
  function.process_group = leader.pid();
  Process function_process = SpawnOrDie(function);
  EXPECT_EQ(getpgid(static_cast<pid_t>(function_process.pid())), leader.pid());
  kill(static_cast<pid_t>(-leader.pid()), SIGKILL);
  EXPECT_EQ(*leader.Wait(), ExitStatus::Signaled(SIGKILL));
  EXPECT_EQ(*function_process.Wait(), ExitStatus::Signaled(SIGKILL));
}

#ifdef __linux__
TEST_P(ExecutorTest, SignalsOfTheChildAreFresh) {
  sigset_t blocked;
  sigset_t old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, &old);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);  // As nohup(1) does.
  const std::string text = OutputOf(Child({"signals"}));
  const std::string function_mask =
      OutputOf(Command::Function(PrintBlockedSignals));
  const std::string function_sigpipe =
      OutputOf(Command::Function(PrintHandlerOf, SIGPIPE));
  signal(SIGPIPE, SIG_DFL);
  signal(SIGHUP, SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  EXPECT_EQ(text,
            "SigBlk:\t0000000000000000\n"
            "SigIgn:\t0000000000000001\n");
  EXPECT_EQ(function_mask, "");
  EXPECT_EQ(function_sigpipe, "default");
}
#endif

void DoNothing(int) {}

TEST_P(ExecutorTest, AFunctionsChildHasNoneOfTheParentsHandlers) {
  signal(SIGTERM, DoNothing);
  EXPECT_EQ(OutputOf(Command::Function(PrintHandlerOf, SIGTERM)), "default");
  struct sigaction action;
  sigaction(SIGTERM, nullptr, &action);
  EXPECT_EQ(action.sa_handler, &DoNothing) << "the parent keeps its handler";
  signal(SIGTERM, SIG_DFL);
}

// ---- Functions ----

TEST_P(ExecutorTest, AFunctionsErrorIsExitCodeOneAndAMessage) {
  Command command = Command::Function(Refuse, "no such luck");
  command.standard_error = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  EXPECT_EQ(*ReadToEnd(process.standard_error().get()),
            "multiproc: Refuse: OUT_OF_RANGE: no such luck\n");
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(1));
}

TEST_P(ExecutorTest, AnExceptionIsExitCodeOneAndAMessage) {
  Command command = Command::Function(Throw);
  command.standard_error = Stdio::Pipe();
  Process process = SpawnOrDie(command);
  EXPECT_EQ(*ReadToEnd(process.standard_error().get()),
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
  const absl::Status path = SpawnError(Command::Program("/no/such/program"));
  EXPECT_TRUE(absl::IsNotFound(path)) << path;
  EXPECT_THAT(std::string(path.message()),
              AllOf(HasSubstr("exec"), HasSubstr("/no/such/program"),
                    HasSubstr("errno 2")));
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

TEST_P(ExecutorTest, AMissingInterpreterIsNamed) {
  const std::string path = TempPath("script");
  std::ofstream(path) << "#!/no/such/interpreter\n";
  chmod(path.c_str(), 0755);
  const absl::Status status = SpawnError(Command::Program(path));
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("interpreter"));
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
    command.inherited_handles = {987};
    const absl::Status status = SpawnError(command);
    EXPECT_TRUE(absl::IsFailedPrecondition(status) ||
                absl::IsInvalidArgument(status))
        << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("987"));
  }
}

TEST_P(ExecutorTest, AnUnreachableProcessGroupIsRefused) {
  for (Command command : {Child({"exit", "0"}), Command::Function(Pause)}) {
    command.process_group = 999999999;
    const absl::Status status = SpawnError(command);
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("setpgid"), HasSubstr("999999999")));
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
  setenv("MULTIPROC_EXECUTOR", "fork", 1);
  EXPECT_EQ((*DefaultExecutor())->name(), "fork");
  setenv("MULTIPROC_EXECUTOR", "posix_spawn", 1);
  EXPECT_EQ((*DefaultExecutor())->name(), "posix_spawn");
  unsetenv("MULTIPROC_EXECUTOR");
}

TEST(DefaultExecutorTest, AnUnknownNameIsNotFoundAndTellsTheOthers) {
  setenv("MULTIPROC_EXECUTOR", "forc", 1);
  const absl::Status status = DefaultExecutor().status();
  unsetenv("MULTIPROC_EXECUTOR");
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("MULTIPROC_EXECUTOR"), HasSubstr("'forc'"),
                    HasSubstr("fork, posix_spawn")));
  EXPECT_TRUE(absl::IsNotFound(ExecutorByName("spoon").status()));
}

}  // namespace
}  // namespace multiproc
