#include "multiproc/pool/lost_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/task_status.h"
#include "tests/scripted_worker.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kOomKiller[] = ", by the kernel's out-of-memory killer";

// Never called.
std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

class LostTaskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    task_.SetCall(*PackCall(Same, "x"), 1);
    task_.id = 7;
    WorkerProcess::Options options;
    options.id = 3;
    absl::StatusOr<std::unique_ptr<WorkerProcess>> worker =
        WorkerProcess::Start(options, executor_);
    ASSERT_TRUE(worker.ok()) << worker.status();
    worker_ = *std::move(worker);
  }

  absl::Status ErrorOf(const WorkerDeath& death) const {
    return LostTaskError(task_, *worker_, death);
  }

  ScriptedExecutor executor_;
  Task task_{nullptr};
  std::unique_ptr<WorkerProcess> worker_;
};

TEST_F(LostTaskTest, TellsOfTheWorkerAndItsEnd) {
  const absl::Status status = ErrorOf({ExitStatus::Exited(4), std::nullopt});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  const std::optional<TaskFailure> failure = GetTaskFailure(status);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->task_id(), 7u);
  EXPECT_EQ(failure->worker_id(), 3u);
  EXPECT_EQ(failure->worker_pid(), worker_->pid());
  EXPECT_EQ(failure->exit_code(), 4u);
  EXPECT_FALSE(failure->has_signal());
  EXPECT_FALSE(failure->has_oom_killed());
}

TEST_F(LostTaskTest, TellsOfTheOutOfMemoryKiller) {
  const WorkerDeath death = {ExitStatus::Signaled(9), true};
  const absl::Status status = ErrorOf(death);
  EXPECT_THAT(std::string(status.message()), HasSubstr(kOomKiller));
  EXPECT_TRUE(GetTaskFailure(status)->oom_killed());
  EXPECT_EQ(GetTaskFailure(status)->signal(), 9);
  EXPECT_THAT(std::string(DeathError(*worker_, death).message()),
              HasSubstr(kOomKiller));
}

TEST_F(LostTaskTest, TellsThatItWasNotThatKillerOrThatNobodyKnows) {
  const absl::Status other = ErrorOf({ExitStatus::Signaled(9), false});
  EXPECT_TRUE(GetTaskFailure(other)->has_oom_killed());
  EXPECT_FALSE(GetTaskFailure(other)->oom_killed());
  EXPECT_THAT(std::string(other.message()), Not(HasSubstr("memory")));
  const absl::Status unknown = ErrorOf({ExitStatus::Signaled(9), std::nullopt});
  EXPECT_FALSE(GetTaskFailure(unknown)->has_oom_killed());
  EXPECT_THAT(std::string(unknown.message()), Not(HasSubstr("memory")));
}

}  // namespace
}  // namespace multiproc
