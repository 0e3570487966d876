// Workers that are another program than their parent, on every backend.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/process.h"
#include "multiproc/executors/this_program.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/read_text.h"
#include "tests/worker_program_tasks.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// In this program alone.
int64_t Square(int64_t n) { return n * n; }
MULTIPROC_FUNCTION(Square);

std::string WorkerProgram() { return std::getenv("WORKER_PROGRAM"); }

class WorkerProgramTest : public BackendTest {
 protected:
  ProcessPoolOptions Options() const {
    ProcessPoolOptions options;
    options.num_workers = 1;
    options.executor = &executor();
    options.worker_program = WorkerProgram();
    return options;
  }

  static std::unique_ptr<ProcessPool> MakePool(
      const ProcessPoolOptions& options) {
    auto pool = ProcessPool::Create(options);
    EXPECT_TRUE(pool.ok()) << pool.status();
    return *std::move(pool);
  }

  static bool IsTheWorkerProgram(const absl::StatusOr<std::string>& path) {
    EXPECT_TRUE(path.ok()) << path.status();
    return path.ok() && absl::StrContains(*path, "worker_program") &&
           *path != ThisProgram::Path();
  }
};

TEST_P(WorkerProgramTest, TasksRunInIt) {
  const auto pool = MakePool(Options());
  EXPECT_TRUE(IsTheWorkerProgram(pool->Submit(PathOfProgram, "").Get()));
  EXPECT_THAT(*pool->Submit(PathOfProgram, "in ").Get(), StartsWith("in "));
}

TEST_P(WorkerProgramTest, SoIsTheReplacementOfOneThatDied) {
  const auto pool = MakePool(Options());
  const absl::Status status = pool->Submit(DieInProgram).Get();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_TRUE(IsTheWorkerProgram(pool->Submit(PathOfProgram, "").Get()));
}

// Of a path that was relative to the folder that was the current one.
TEST_P(WorkerProgramTest, ItIsTheSameAfterAChangeOfFolder) {
  const std::filesystem::path before = std::filesystem::current_path();
  const std::filesystem::path program =
      std::filesystem::absolute(std::filesystem::u8path(WorkerProgram()));
  std::filesystem::current_path(program.parent_path());
  ProcessPoolOptions options = Options();
  options.worker_program =
      (std::filesystem::path(".") / program.filename()).u8string();
  const auto pool = MakePool(options);
  std::filesystem::current_path(before);
  EXPECT_TRUE(absl::IsUnavailable(pool->Submit(DieInProgram).Get()));
  EXPECT_TRUE(IsTheWorkerProgram(pool->Submit(PathOfProgram, "").Get()));
}

TEST_P(WorkerProgramTest, ItHasLimitsAndAnEnvironment) {
  ProcessPoolOptions options = Options();
  options.worker_limits.cpu_time = absl::Seconds(100);
  options.worker_environment = {{"OF_WORKER", "1"}};
  EXPECT_TRUE(
      IsTheWorkerProgram(MakePool(options)->Submit(PathOfProgram, "").Get()));
}

TEST_P(WorkerProgramTest, AFunctionThatItLacksIsNotFound) {
  const auto pool = MakePool(Options());
  const absl::StatusOr<int64_t> result = pool->Submit(Square, 3).Get();
  EXPECT_TRUE(absl::IsNotFound(result.status())) << result.status();
  EXPECT_THAT(result.status().message(), HasSubstr("Square"));
  EXPECT_FALSE(IsTaskError(result.status()));
}

TEST_P(WorkerProgramTest, AProgramThatIsNotThereIsCreatesError) {
  ProcessPoolOptions options = Options();
  options.worker_program += ".missing";
  const absl::Status status = ProcessPool::Create(options).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("worker_program"));
}

// It ends before it is ready, again and again.
TEST_P(WorkerProgramTest, AProgramThatIsNoWorkerFailsThePool) {
  ProcessPoolOptions options = Options();
  options.worker_program = std::getenv("NO_INITIALIZE");
  options.worker_environment = {{"WORKER_PROGRAM", std::nullopt}};
  const auto pool = MakePool(options);
  const absl::Status status = pool->Submit(PathOfProgram, "").Get().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_P(WorkerProgramTest, AProcessMayBeOne) {
  Command command = Command::Function(PrintPathOfProgram);
  command.function_program = WorkerProgram();
  command.standard_output = Stdio::Pipe();
  absl::StatusOr<Process> process = executor().Spawn(command);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_TRUE(IsTheWorkerProgram(ReadText(process->standard_output().get())));
  EXPECT_EQ(*process->Wait(), ExitStatus::Exited(0));
}

TEST_P(WorkerProgramTest, ItIsForFunctionsOnly) {
  Command command = Command::Program(WorkerProgram());
  command.function_program = WorkerProgram();
  const absl::Status status = executor().Spawn(command).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("function_program"));
}

TEST_P(WorkerProgramTest, ByItselfItSaysWhatItIs) {
  Command command = Command::Program(WorkerProgram());
  command.standard_error = Stdio::Pipe();
  absl::StatusOr<Process> process = executor().Spawn(command);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_THAT(ReadText(process->standard_error().get()),
              HasSubstr("worker_program"));
  EXPECT_EQ(process->Wait()->exit_code(), 2);
}

// Its pools can't call Initialize, as main is another's.
TEST_P(WorkerProgramTest, TheParentNeedsNoInitialize) {
  Command command = Command::Program(std::getenv("NO_INITIALIZE"));
  command.environment = {{"MULTIPROC_EXECUTOR", GetParam()},
                         {"WORKER_PROGRAM", WorkerProgram()}};
  command.standard_output = Stdio::Pipe();
  absl::StatusOr<Process> process = executor().Spawn(command);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_THAT(ReadText(process->standard_output().get()),
              HasSubstr("worker program: OK"));
  EXPECT_TRUE(process->Wait()->success());
}

MULTIPROC_FOR_EVERY_BACKEND(WorkerProgramTest);

}  // namespace
}  // namespace multiproc
