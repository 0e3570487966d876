// What only the backends of POSIX do; the counterpart of
// executor_windows_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/ptrace.h>
#endif
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/default_executor.h"
#include "tests/executor_fixture.h"
#include "tests/read_text.h"
#include "tests/temp_path.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

void PrintBlockedSignals() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  for (int signal = 1; signal < 32; ++signal) {
    if (sigismember(&mask, signal) == 1) printf("%d ", signal);
  }
}
MULTIPROC_FUNCTION(PrintBlockedSignals);

// ---- Ends ----

TEST_P(ExecutorTest, TerminatesAProgramInItsParentsGroup) {
  Process process = SpawnOrDie(Child({"pause"}));
  EXPECT_TRUE(process.Terminate().ok());
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(SIGTERM));
  Process destroyed = SpawnOrDie(Child({"pause"}));
  destroyed.set_on_destroy(Process::OnDestroy::kTerminate);
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

#ifdef __linux__
void AllowTracers() {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  printf("ready\n");
  fflush(stdout);
  PauseForEver();
}
MULTIPROC_FUNCTION(AllowTracers);

// Until the end of its input.
void Trace(int64_t pid) {
  const bool traces =
      ptrace(PTRACE_SEIZE, static_cast<pid_t>(pid), nullptr, nullptr) == 0;
  printf("%s\n", traces ? "traces" : strerror(errno));
  fflush(stdout);
  ReadToEnd(StandardInput()).status().IgnoreError();
}
MULTIPROC_FUNCTION(Trace);

// Its status is the tracer's first (ptrace(2)). Neither is it waited for, nor
// is a zombie left, which TearDown would find.
TEST_P(ExecutorTest, AChildThatATracerHoldsIsCollectedLater) {
#ifdef MULTIPROC_PORTABLE_POSIX
  GTEST_SKIP() << "without a pidfd its end is not seen before the tracer goes";
#endif
  Command command = Command::Function(AllowTracers);
  command.standard_output = Stdio::Pipe();
  Process traced = SpawnOrDie(command);
  traced.set_on_destroy(Process::OnDestroy::kKill);
  ASSERT_EQ(ReadLine(traced.standard_output().get()), "ready");
  command = Command::Function(Trace, traced.pid());
  command.standard_input = Stdio::Pipe();
  command.standard_output = Stdio::Pipe();
  Process tracer = SpawnOrDie(command);
  const std::string line = ReadLine(tracer.standard_output().get());
  if (line != "traces") GTEST_SKIP() << "ptrace: " << line;
  EXPECT_TRUE(traced.Kill().ok());
  EXPECT_EQ(*traced.Wait(), ExitStatus::Unknown());
  tracer.standard_input().reset();
  EXPECT_EQ(*tracer.Wait(), ExitStatus::Exited(0));
}
#endif

// ---- What the child gets ----

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

// ---- Bad input ----

TEST_P(ExecutorTest, AMissingInterpreterIsNamed) {
  const std::string path = TempPath("script");
  std::ofstream(path) << "#!/no/such/interpreter\n";
  chmod(path.c_str(), 0755);
  const absl::Status status = SpawnError(Command::Program(path));
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("interpreter"));
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

TEST(DefaultExecutorTest, PosixHasForkAndPosixSpawn) {
  EXPECT_THAT(ExecutorNames(),
              AllOf(Contains("fork"), Contains("posix_spawn")));
}

}  // namespace
}  // namespace multiproc
