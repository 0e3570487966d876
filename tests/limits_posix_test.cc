// Limits that take effect on POSIX; the counterpart of limits_windows_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#ifdef __linux__
#include <sched.h>
#endif
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/limits.h"
#include "tests/executor_fixture.h"
#include "tests/limits_text.h"
#include "tests/read_text.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// ---- What happens before main ----

constexpr char kEarlyVariable[] = "MULTIPROC_TEST_EARLY";

// What a static initialiser of some library may do, in this process and in the
// copies of it that set limits. In this one the variable is not set.
[[maybe_unused]] const bool early = [] {
  const char* const what = std::getenv(kEarlyVariable);
  if (what == nullptr) return false;
  if (std::string(what) == "exit") _exit(3);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR2);
  return sigprocmask(SIG_BLOCK, &signals, nullptr) == 0;
}();

// ---- Functions that are run in children ----

void PrintLimits() { printf("%s", LimitsText().c_str()); }
MULTIPROC_FUNCTION(PrintLimits);

void Compute() {
  for (volatile uint64_t i = 0;; i = i + 1) {
  }
}
MULTIPROC_FUNCTION(Compute);

void WriteHandle(const std::string& text) {
  WriteAll(InheritedHandles()[0], text).IgnoreError();
}
MULTIPROC_FUNCTION(WriteHandle);

// What is done in a test is done for a program and for a function.
class LimitsTest : public ExecutorTest {
 protected:
  static std::vector<Command> ProgramAndFunction(const Limits& limits) {
    std::vector<Command> commands = {Child({"limits"}),
                                     Command::Function(PrintLimits)};
    for (Command& command : commands) command.limits = limits;
    return commands;
  }
};

// ---- What is set ----

TEST_P(LimitsTest, ResourcesAreLimited) {
  Limits limits;
  limits.open_files = 64;
  limits.core_bytes = 0;
  limits.file_bytes = 1 << 20;
  limits.cpu_time = absl::Milliseconds(1001);
  const std::string own = LimitsText();
  for (const Command& command : ProgramAndFunction(limits)) {
    EXPECT_THAT(
        OutputOf(command),
        AllOf(HasSubstr("\nfiles 64 64\n"), HasSubstr("\ncore 0 0\n"),
              HasSubstr("\nsize 1048576 1048576\n"), HasSubstr("\ncpu 2 3\n")));
  }
  EXPECT_EQ(LimitsText(), own);
}

TEST_P(LimitsTest, MemoryIsLimited) {
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
  GTEST_SKIP() << "sanitizers need more addresses than any limit has";
#endif
  Limits limits;
  limits.memory_bytes = uint64_t{4} << 30;
  for (const Command& command : ProgramAndFunction(limits)) {
    EXPECT_THAT(OutputOf(command), HasSubstr("memory 4294967296 4294967296\n"));
  }
}

// Where this program itself, which sets the limit, could not get any more.
TEST_P(LimitsTest, LittleMemoryIsEnoughForALittleProgram) {
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
  GTEST_SKIP() << "sanitizers need more addresses than any limit has";
#endif
  // More than may be left over on the heap.
  std::vector<std::string> arguments(12, std::string(100000, 'a'));
  arguments.insert(arguments.begin(), {"-c", "ulimit -v; echo $#", "sh"});
  Command command = Command::Program("/bin/sh", std::move(arguments));
  command.limits.memory_bytes = uint64_t{64} << 20;
  EXPECT_EQ(OutputOf(command), "65536\n12\n");
}

TEST_P(LimitsTest, NiceAndUmaskAreSet) {
  Limits limits;
  limits.nice = 19;
  limits.umask = 0027;
  for (const Command& command : ProgramAndFunction(limits)) {
    EXPECT_THAT(OutputOf(command),
                AllOf(HasSubstr("\nnice 19\n"), HasSubstr("\numask 23\n")));
  }
}

TEST_P(LimitsTest, ASessionIsOnesOwn) {
  Limits limits;
  for (const Command& command : ProgramAndFunction(limits)) {
    EXPECT_THAT(OutputOf(command), HasSubstr("\nsession other\n"));
  }
  limits.new_session = true;
  for (const Command& command : ProgramAndFunction(limits)) {
    EXPECT_THAT(OutputOf(command), AllOf(HasSubstr("\nsession own\n"),
                                         HasSubstr("\ngroup own\n")));
  }
  limits.umask = 0;
  for (const Command& command : ProgramAndFunction(limits)) {
    EXPECT_THAT(OutputOf(command),
                AllOf(HasSubstr("\nsession own\n"), HasSubstr("\numask 0\n")));
  }
}

#ifdef __linux__
TEST_P(LimitsTest, CpusAreThoseThatWereNamed) {
  cpu_set_t own;
  ASSERT_EQ(sched_getaffinity(0, sizeof(own), &own), 0);
  int last = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &own)) last = cpu;
  }
  Limits limits;
  limits.cpus = {last};
  for (const Command& command : ProgramAndFunction(limits)) {
    EXPECT_THAT(OutputOf(command),
                HasSubstr(absl::StrCat("\ncpus ", last, "\n")));
  }
}
#endif

TEST_P(LimitsTest, WhoComputesForTooLongIsEnded) {
  Command command = Command::Function(Compute);
  command.limits.cpu_time = absl::Seconds(1);
  EXPECT_EQ(Run(command), ExitStatus::Signaled(SIGXCPU));
}

// ---- What else a child gets is as without limits ----

TEST_P(LimitsTest, AProgramGetsItsEnvironmentAndNoMore) {
  const ScopedVariable variable("PARENTS", "own");
  Command command = Child({"environment"});
  command.environment = {{"ADDED", "1"}, {"PARENTS", std::nullopt}};
  for (const bool inherits : {true, false}) {
    command.inherit_environment = inherits;
    command.limits = Limits();
    const std::string expected = OutputOf(command);
    command.limits.umask = 0022;
    EXPECT_EQ(OutputOf(command), expected);
  }
}

TEST_P(LimitsTest, AProgramGetsItsArgumentsAndItsName) {
  Command command = Child({"arguments", "", "a b", "--", "\"'\\\n"});
  const std::string expected = OutputOf(command);
  command.limits.umask = 0022;
  EXPECT_EQ(OutputOf(command), expected);
  command = Child({"name"});
  command.name = "someone";
  command.limits.umask = 0022;
  EXPECT_EQ(OutputOf(command), "someone");
}

TEST_P(LimitsTest, AProgramGetsItsHandlesAndNoOther) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  ASSERT_TRUE(pipe.ok()) << pipe.status();
  const FileHandle plain = OpenPlainHandle();
  Command command = Child({"descriptors"});
  command.limits.umask = 0022;
  EXPECT_EQ(OutputOf(command), "0 1 2 ");
  command.inherited_handles = {pipe->read_end.get(), pipe->write_end.get()};
  EXPECT_EQ(OutputOf(command), "0 1 2 3 4 ");
  CloseHandleOf(plain);
}

TEST_P(LimitsTest, AFunctionFindsItsHandles) {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  ASSERT_TRUE(pipe.ok()) << pipe.status();
  Command command = Command::Function(WriteHandle, "hello");
  command.inherited_handles = {pipe->write_end.get()};
  command.limits.umask = 0022;
  Process process = SpawnOrDie(command);
  pipe->write_end.reset();
  EXPECT_EQ(*ReadToEnd(pipe->read_end.get()), "hello");
  EXPECT_EQ(*process.Wait(), ExitStatus::Exited(0));
}

TEST_P(LimitsTest, AProgramsSignalsAreAsWithoutLimits) {
#ifndef __linux__
  GTEST_SKIP() << "needs /proc";
#endif
  const ScopedVariable variable(kEarlyVariable, "block");
  Command command = Child({"signals"});
  const std::string expected = OutputOf(command);
  command.limits.umask = 0022;
  EXPECT_EQ(OutputOf(command), expected);
}

// ---- Errors ----

TEST_P(LimitsTest, WhatCanNotBeSetIsNamed) {
  Limits limits;
  // More than sysctl fs.nr_open, which holds for root, too.
  limits.open_files = uint64_t{1} << 40;
  for (const Command& command : ProgramAndFunction(limits)) {
    const absl::Status status = SpawnError(command);
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("setrlimit(RLIMIT_NOFILE) [errno 1]"));
  }
}

// Which is not the program's end, nor the function's.
TEST_P(LimitsTest, WhoEndsBeforeTheLimitsAreSetIsAnError) {
  if (is_fork()) GTEST_SKIP() << "needs no copy of this program";
  const ScopedVariable variable(kEarlyVariable, "exit");
  Limits limits;
  limits.umask = 0022;
  for (const Command& command : ProgramAndFunction(limits)) {
    EXPECT_EQ(
        SpawnError(command),
        absl::InternalError("the program that was to set the limits ended "
                            "before it had: exited with code 3"));
  }
}

#ifdef __linux__
TEST_P(LimitsTest, CpusThatAreNotThereAreInvalid) {
  Limits limits;
  limits.cpus = {1023};
  for (const Command& command : ProgramAndFunction(limits)) {
    const absl::Status status = SpawnError(command);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("sched_setaffinity [errno 22]"));
  }
}
#endif

TEST_P(LimitsTest, ErrorsOfExecAreAsWithoutLimits) {
  const std::string path = TempPath("no_program");
  AppendLine(path, "no program");
  ASSERT_EQ(chmod(path.c_str(), 0755), 0);
  for (const std::string& program :
       {path, std::string("/no/such/program"), std::string("no-such-program"),
        testing::TempDir()}) {
    Command command = Command::Program(program);
    const absl::Status expected = SpawnError(command);
    EXPECT_FALSE(expected.ok());
    command.limits.umask = 0022;
    EXPECT_EQ(SpawnError(command), expected);
  }
}

MULTIPROC_FOR_EVERY_BACKEND(LimitsTest);

}  // namespace
}  // namespace multiproc
