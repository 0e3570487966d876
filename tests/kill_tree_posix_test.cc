// Process::KillTree with trees that only POSIX has: processes that fork, stop
// and stand in groups. What every system has is in process_control_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "tests/executor_fixture.h"
#include "tests/read_file.h"
#include "tests/read_text.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// ---- Functions that are run in children ----

// Every process of a tree has the standard output of its root. One that is
// missed ends by itself, after the test has failed.
[[noreturn]] void PauseForAWhile() {
  alarm(60);
  PauseForEver();
}

void SayReady() {
  printf("ready\n");
  fflush(stdout);
}

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr size_t kGreatSize = size_t{64} << 20;
#else
constexpr size_t kGreatSize = size_t{128} << 20;
#endif

// Has much memory in small pages, so that each fork takes some ms, most of them
// after it has looked for signals.
void ForkAndFork() {
  void* const memory = mmap(nullptr, kGreatSize, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#ifdef MADV_NOHUGEPAGE
  madvise(memory, kGreatSize, MADV_NOHUGEPAGE);
#endif
  volatile char* const bytes = static_cast<char*>(memory);
  for (size_t i = 0; i < kGreatSize; i += 4096) bytes[i] = 1;
  for (int i = 0; i < 1000; ++i) {
    if (fork() == 0) PauseForAWhile();
    if (i == 0) SayReady();
  }
}
MULTIPROC_FUNCTION(ForkAndFork);

// Its child shares its memory, and it waits for what that does.
void WaitForAVforkedChild() {
  const pid_t pid = vfork();
  if (pid != 0) PauseForAWhile();
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) _exit(1);
  PauseForAWhile();
}
MULTIPROC_FUNCTION(WaitForAVforkedChild);

void SayGoesOn(int) {
  if (write(STDOUT_FILENO, "goes on\n", 8) != 8) _exit(1);
}

// The child has many children in a group of its own, which say so if they are
// stopped and go on.
void HaveAGroup(int members) {
  if (fork() != 0) PauseForAWhile();
  int ready[2];
  if (pipe(ready) != 0) return;
  pid_t group = 0;
  for (int i = 0; i < members; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      setpgid(0, group);
      signal(SIGHUP, SIG_IGN);
      signal(SIGCONT, SayGoesOn);
      if (write(ready[1], "r", 1) != 1) _exit(1);
      PauseForAWhile();
    }
    if (group == 0) group = pid;
    setpgid(pid, group);
  }
  for (int i = 0; i < members; ++i) {
    char byte;
    if (read(ready[0], &byte, 1) != 1) return;
  }
  SayReady();
  PauseForAWhile();
}
MULTIPROC_FUNCTION(HaveAGroup);

#ifdef __linux__
// The child is a process whose first thread has ended, and another runs. In
// /proc it is a zombie.
void HaveAChildWithoutFirstThread() {
  if (fork() != 0) PauseForAWhile();
  const std::string stat = absl::StrCat("/proc/", getpid(), "/stat");
  new std::thread([stat] {
    while (ReadFile(stat).find(") Z ") == std::string::npos) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    SayReady();
    PauseForAWhile();
  });
  syscall(SYS_exit, 0);
}
MULTIPROC_FUNCTION(HaveAChildWithoutFirstThread);
#endif

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
constexpr bool kFindsDescendants = true;
#else
constexpr bool kFindsDescendants = false;
#endif

constexpr absl::Duration kLong = absl::Seconds(20);

class KillTreeTest : public ExecutorTest {
 protected:
  // Has said that it is ready.
  Process SpawnReady(Command command) {
    command.standard_output = Stdio::Pipe();
    Process process = SpawnOrDie(command);
    EXPECT_EQ(ReadLine(process.standard_output().get()), "ready");
    return process;
  }

  // What the tree prints until its last process has ended.
  static std::string RestOf(Process& process) {
    std::string text;
    char byte = 0;
    while (WaitReadable(process.standard_output().get(), kLong)) {
      if (*ReadSome(process.standard_output().get(), &byte, 1) == 0) {
        return text;
      }
      text += byte;
    }
    return text + "some are left";
  }
};

TEST_P(KillTreeTest, AForkThatHasBegunLeavesNobody) {
  if (!kFindsDescendants) GTEST_SKIP() << "this system does not tell of them";
  for (int i = 0; i < 3; ++i) {
    Process process = SpawnReady(Command::Function(ForkAndFork));
    const absl::Status status = process.KillTree();
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(SIGKILL));
    EXPECT_EQ(RestOf(process), "");
  }
}

// Which never stops as long as its child, which is stopped, is not killed.
TEST_P(KillTreeTest, TheParentOfAVforkedChildIsNotWaitedForInVain) {
  if (!kFindsDescendants) GTEST_SKIP() << "this system does not tell of them";
  Process process = SpawnReady(Command::Function(WaitForAVforkedChild));
  const absl::Status status = process.KillTree();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(SIGKILL));
  EXPECT_EQ(RestOf(process), "");
}

// As the members of a group go on once their parent has ended.
TEST_P(KillTreeTest, ChildrenAreKilledBeforeTheirParents) {
  if (!kFindsDescendants) GTEST_SKIP() << "this system does not tell of them";
  Process process = SpawnReady(Command::Function(HaveAGroup, 100));
  const absl::Status status = process.KillTree();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(RestOf(process), "");
}

#ifdef __linux__
TEST_P(KillTreeTest, OneWhoseFirstThreadHasEndedIsFound) {
  if (!kFindsDescendants) GTEST_SKIP() << "this build does not look for them";
  Process process = SpawnReady(Command::Function(HaveAChildWithoutFirstThread));
  const absl::Status status = process.KillTree();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(RestOf(process), "");
}

TEST_P(KillTreeTest, WhoCanNotLookSaysSoAndKillsTheChild) {
  if (!kFindsDescendants) GTEST_SKIP() << "this build does not look for them";
  Process process = SpawnOrDie(Child({"pause"}));
  struct rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  struct rlimit none = limit;
  none.rlim_cur = 3;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = process.KillTree();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(*process.Wait(), ExitStatus::Signaled(SIGKILL));
}

// ---- A pid that is another's by now ----

// Ignores SIGCHLD as long as it lives.
class ScopedNoZombies {
 public:
  ScopedNoZombies() : old_(signal(SIGCHLD, SIG_IGN)) {}
  ~ScopedNoZombies() { signal(SIGCHLD, old_); }

 private:
  void (*const old_)(int);
};

// Until the system has collected it.
void WaitUntilThereIsNo(pid_t pid) {
  while (IsAlive(pid)) absl::SleepFor(absl::Milliseconds(1));
}

// Forks a process with the `wanted` number, which sends back what it gets; 0 if
// the system does not give it.
pid_t ForkWithPid(pid_t wanted, int from, int to) {
  for (int i = 0; i < 20; ++i) {
    std::ofstream("/proc/sys/kernel/ns_last_pid") << wanted - 1;
    const pid_t pid = fork();
    if (pid == 0) {
      if (getpid() != wanted) _exit(0);
      char byte;
      while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1) {
      }
      _exit(0);
    }
    if (pid == wanted) return pid;
    WaitUntilThereIsNo(pid);
  }
  return 0;
}

TEST_P(KillTreeTest, AStrangerWithThePidOfACollectedChildIsLeftAlone) {
  const ScopedNoZombies no_zombies;
  Process process = SpawnOrDie(Child({"exit", "0"}));
  EXPECT_TRUE(WaitReadable(process.exit_event(), absl::InfiniteDuration()));
  WaitUntilThereIsNo(static_cast<pid_t>(process.pid()));
  absl::StatusOr<Pipe> there = Pipe::Create();
  absl::StatusOr<Pipe> back = Pipe::Create();
  ASSERT_TRUE(there.ok() && back.ok());
  const pid_t stranger =
      ForkWithPid(static_cast<pid_t>(process.pid()), there->read_end.get(),
                  back->write_end.get());
  if (stranger == 0) GTEST_SKIP() << "may not choose the next pid";
  EXPECT_TRUE(process.KillTree().ok());
  EXPECT_TRUE(process.Kill().ok());
  EXPECT_TRUE(WriteAll(there->write_end.get(), "x").ok());
  EXPECT_TRUE(WaitReadable(back->read_end.get(), kLong));
  back->write_end.reset();
  char byte = 0;
  EXPECT_EQ(*ReadSome(back->read_end.get(), &byte, 1), 1);
  EXPECT_TRUE(KillPid(stranger).ok());
  WaitUntilThereIsNo(stranger);
  EXPECT_TRUE(process.Wait()->unknown());
}
#endif

MULTIPROC_FOR_EVERY_BACKEND(KillTreeTest);

}  // namespace
}  // namespace multiproc
