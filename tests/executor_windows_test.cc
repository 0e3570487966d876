// What only the backend of Windows does, and why it does not do the rest of
// executor_posix_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "multiproc/executors/default_executor.h"
#include "tests/executor_fixture.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

// ---- Ends ----

TEST_P(ExecutorTest, TerminatesAProgramInItsParentsGroup) {
  GTEST_SKIP() << "Windows sends Ctrl-Break to process groups only";
}

TEST_P(ExecutorTest, RefusesToTerminateAProgramInItsParentsGroup) {
  Process process = SpawnOrDie(Child({"pause"}));
  const absl::Status status = process.Terminate();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("process_group = 0"));
  EXPECT_TRUE(process.Kill().ok());
}

TEST_P(ExecutorTest, SomebodyElsesWaitMakesTheStatusUnknown) {
  GTEST_SKIP() << "on Windows any number of people may wait for a process";
}

TEST_P(ExecutorTest, IgnoringSigchldMakesTheStatusUnknown) {
  GTEST_SKIP() << "Windows has no SIGCHLD";
}

// ---- What the child gets ----

TEST_P(ExecutorTest, HandlesMayHaveTheNumbersOfOthersTargets) {
  GTEST_SKIP() << "Windows itself chooses the number of a handle";
}

TEST_P(ExecutorTest, ProcessGroupsAreMadeAndJoined) {
  GTEST_SKIP() << "on Windows no process can join another's group";
}

TEST_P(ExecutorTest, SignalsOfTheChildAreFresh) {
  GTEST_SKIP() << "Windows has no signal masks, and no ignored signals that a "
                  "child inherits";
}

// ---- Bad input ----

TEST_P(ExecutorTest, AMissingInterpreterIsNamed) {
  GTEST_SKIP() << "Windows has no scripts that name an interpreter";
}

TEST_P(ExecutorTest, AnUnreachableProcessGroupIsRefused) {
  for (Command command : {Child({"exit", "0"}), Command::Function(Pause)}) {
    command.process_group = 999999999;
    const absl::Status status = SpawnError(command);
    EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("process_group"), HasSubstr("999999999")));
  }
}

TEST(DefaultExecutorTest, WindowsHasABackendOfThatName) {
  EXPECT_THAT(ExecutorNames(), Contains("windows"));
}

}  // namespace
}  // namespace multiproc
