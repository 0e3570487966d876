#include "multiproc/executors/wait_many.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "tests/executor_fixture.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

class WaitManyTest : public ExecutorTest {
 protected:
  // Ends once its input is closed.
  Process SpawnEcho() {
    Command command = Child({"echo"});
    command.standard_input = Stdio::Pipe();
    command.standard_output = Stdio::Null();
    return SpawnOrDie(command);
  }
};

std::vector<Process*> PointersTo(std::vector<Process>& processes) {
  std::vector<Process*> pointers;
  for (Process& process : processes) pointers.push_back(&process);
  return pointers;
}

TEST_P(WaitManyTest, AnyReturnsTheOneThatHasEnded) {
  std::vector<Process> processes;
  for (int i = 0; i < 3; ++i) processes.push_back(SpawnEcho());
  processes[1].standard_input().reset();
  EXPECT_EQ(*WaitAny(PointersTo(processes)), 1u);
  EXPECT_EQ(*processes[1].Wait(), ExitStatus::Exited(0));
  // Also of one that was waited for.
  EXPECT_EQ(*WaitAny(PointersTo(processes)), 1u);
}

TEST_P(WaitManyTest, AnyIsWokenByAnEndInTheMeantime) {
  std::vector<Process> processes;
  for (int i = 0; i < 3; ++i) processes.push_back(SpawnEcho());
  std::thread closing([&] { processes[2].standard_input().reset(); });
  EXPECT_EQ(*WaitAny(PointersTo(processes)), 2u);
  closing.join();
}

TEST_P(WaitManyTest, AnyLetsThemRunIfNoneEnds) {
  std::vector<Process> processes;
  for (int i = 0; i < 2; ++i) processes.push_back(SpawnEcho());
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), absl::Milliseconds(1)}) {
    const absl::Status status =
        WaitAny(PointersTo(processes), timeout).status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat(processes[0].pid())));
  }
  EXPECT_TRUE(processes[0].IsRunning());
  EXPECT_TRUE(processes[1].IsRunning());
}

// More than WaitForMultipleObjects takes; each is told of once.
TEST_P(WaitManyTest, AnyKnowsSeventyProcesses) {
  constexpr size_t kCount = 70;
  std::vector<Process> processes;
  for (size_t i = 0; i < kCount; ++i) processes.push_back(SpawnEcho());
  std::vector<Process*> running = PointersTo(processes);
  // In an order that is not theirs.
  for (size_t i = kCount; i-- > 0;) {
    processes[i].standard_input().reset();
    const absl::StatusOr<size_t> ended = WaitAny(running);
    ASSERT_TRUE(ended.ok()) << ended.status();
    ASSERT_EQ(running[*ended], &processes[i]);
    running.erase(running.begin() + static_cast<ptrdiff_t>(*ended));
  }
  EXPECT_TRUE(WaitAll(PointersTo(processes), absl::ZeroDuration()).ok());
}

TEST_P(WaitManyTest, AProcessMayBeGivenTwice) {
  Process process = SpawnEcho();
  Process* const twice[] = {&process, &process};
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(WaitAny(twice, absl::ZeroDuration()).status()));
  process.standard_input().reset();
  EXPECT_LT(*WaitAny(twice), 2u);
  EXPECT_TRUE(WaitAll(twice).ok());
}

TEST_P(WaitManyTest, AllWaitsForEach) {
  std::vector<Process> processes;
  for (int i = 0; i < 5; ++i) processes.push_back(SpawnEcho());
  std::thread closing([&] {
    for (Process& process : processes) process.standard_input().reset();
  });
  EXPECT_TRUE(WaitAll(PointersTo(processes)).ok());
  closing.join();
  for (Process& process : processes) EXPECT_FALSE(process.IsRunning());
}

TEST_P(WaitManyTest, AllSaysHowManyStillRun) {
  std::vector<Process> processes;
  for (int i = 0; i < 3; ++i) processes.push_back(SpawnEcho());
  processes[0].standard_input().reset();
  ASSERT_TRUE(processes[0].Wait().ok());
  const absl::Status status =
      WaitAll(PointersTo(processes), absl::Milliseconds(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("2 process(es)"));
}

TEST_P(WaitManyTest, NoneAndNobodyAreErrors) {
  EXPECT_TRUE(absl::IsInvalidArgument(WaitAny({}).status()));
  EXPECT_TRUE(WaitAll({}).ok());
  Process process = SpawnOrDie(Child({"exit", "0"}));
  Process none;
  for (Process* const bad : {&none, static_cast<Process*>(nullptr)}) {
    Process* const processes[] = {&process, bad};
    const absl::Status any = WaitAny(processes).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(any)) << any;
    EXPECT_THAT(std::string(any.message()), HasSubstr("index 1"));
    EXPECT_TRUE(absl::IsFailedPrecondition(WaitAll(processes)));
  }
}

MULTIPROC_FOR_EVERY_BACKEND(WaitManyTest);

}  // namespace
}  // namespace multiproc
