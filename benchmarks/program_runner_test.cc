#include "multiproc/benchmarks/program_runner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace multiproc {
namespace {

ProgramResult RunShell(const std::string& script,
                       absl::Duration timeout = absl::Minutes(5)) {
  return RunProgram({"/bin/sh", "-c", script}, timeout, testing::TempDir());
}

TEST(ProgramRunnerTest, KeepsTheLinesOfStandardOutput) {
  const ProgramResult result = RunShell("echo one; echo two >&2; echo three");
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.lines, (std::vector<std::string>{"one", "three"}));
}

TEST(ProgramRunnerTest, AFailureHasTheLastLineOfStandardError) {
  const ProgramResult result =
      RunShell("echo a; echo b >&2; echo c >&2; exit 3");
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(result.status.message(), "exited with code 3: c");
  EXPECT_EQ(result.lines, std::vector<std::string>{"a"});
}

TEST(ProgramRunnerTest, ACompilersErrorSaysMoreThanItsLastLine) {
  EXPECT_EQ(RunShell("printf 'a.cc:1: error: no such file\\n 1 | x\\n' >&2;"
                     "exit 1")
                .status.message(),
            "exited with code 1: no such file");
}

TEST(ProgramRunnerTest, OneThatTakesTooLongIsKilledWithItsChildren) {
  const ProgramResult result =
      RunShell("echo started; sleep 1000 & sleep 1000", absl::Seconds(1));
  EXPECT_EQ(result.status, absl::DeadlineExceededError("killed after 1 s"));
}

TEST(ProgramRunnerTest, AProgramThatIsNotThereIsNotFound) {
  EXPECT_EQ(
      RunProgram({"/no/such/program"}, absl::Minutes(1), testing::TempDir())
          .status.code(),
      absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace multiproc
