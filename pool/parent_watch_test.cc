#include "multiproc/pool/parent_watch.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/channel_pipes.h"

namespace multiproc {
namespace {

// A worker's life without its work: it is within a task, or idle.
void WatchParent(bool busy) {
  absl::StatusOr<ParentWatch> watch =
      ParentWatch::Start(InheritedHandles()[0], InheritedHandles()[1]);
  if (!watch.ok() || (busy && !watch->BeginTask())) return;
  WriteAll(InheritedHandles()[1], "watching").IgnoreError();
  while (true) absl::SleepFor(absl::Hours(1));
}
MULTIPROC_FUNCTION(WatchParent);

class ParentWatchTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    absl::StatusOr<ChannelPipes> pipes = ChannelPipes::Create();
    ASSERT_TRUE(pipes.ok()) << pipes.status();
    pipes_ = *std::move(pipes);
    Command command = Command::Function(WatchParent, GetParam());
    command.inherited_handles = {pipes_.worker_in.get(),
                                 pipes_.worker_out.get()};
    absl::StatusOr<Process> worker = (*DefaultExecutor())->Spawn(command);
    ASSERT_TRUE(worker.ok()) << worker.status();
    worker_ = *std::move(worker);
    worker_.set_on_destroy(Process::OnDestroy::kKill);
    pipes_.worker_in.reset();
    pipes_.worker_out.reset();
    ASSERT_EQ(Receive(8), "watching");
  }

  std::string Receive(size_t size) {
    std::string text;
    while (text.size() < size) {
      WaitReadable(pipes_.parent_in.get(), absl::InfiniteDuration());
      char buffer[8];
      const absl::StatusOr<size_t> part =
          ReadSome(pipes_.parent_in.get(), buffer, sizeof(buffer));
      if (absl::IsUnavailable(part.status())) continue;
      if (!part.ok() || *part == 0) break;
      text.append(buffer, *part);
    }
    return text;
  }

  ChannelPipes pipes_;
  Process worker_;
};

// As the death of its parent does, which closes them, too.
TEST_P(ParentWatchTest, TheEndOfTheChannelEndsTheWorker) {
  pipes_.parent_out.reset();
  pipes_.parent_in.reset();
  EXPECT_EQ(*worker_.Wait(), ExitStatus::Exited(1));
}

TEST_P(ParentWatchTest, RequestsDoNot) {
  ASSERT_TRUE(WriteSome(pipes_.parent_out.get(), "a request").ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      worker_.WaitWithTimeout(absl::Milliseconds(50)).status()));
}

INSTANTIATE_TEST_SUITE_P(Worker, ParentWatchTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& busy) {
                           return busy.param ? "Busy" : "Idle";
                         });

}  // namespace
}  // namespace multiproc
