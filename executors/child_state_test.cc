#include "multiproc/executors/child_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "multiproc/executors/active_children.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/process.h"

namespace multiproc {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// A child somewhere else, as a user's own backend may have them.
class RemoteChild : public ChildHandle {
 public:
  explicit RemoteChild(std::function<void()> at_kill)
      : at_kill_(std::move(at_kill)), pipe_(*Pipe::Create()) {}

  int64_t pid() const override { return 1; }
  FileHandle exit_event() const override { return pipe_.read_end.get(); }
  absl::StatusOr<ExitStatus> Reap() override { return ExitStatus::Signaled(9); }
  absl::Status Terminate() override { return Kill(); }
  absl::Status Kill() override {
    // Those that were killed once may be killed again.
    if (at_kill_ != nullptr) std::exchange(at_kill_, nullptr)();
    pipe_.write_end.reset();
    return absl::OkStatus();
  }

 private:
  std::function<void()> at_kill_;
  Pipe pipe_;
};

Process MakeDaemon(std::function<void()> at_kill) {
  Command command = Command::Program("remote");
  command.daemon = true;
  return Process(std::make_unique<RemoteChild>(std::move(at_kill)), StdioEnds(),
                 command);
}

// A backend may kill a child by starting a program: ssh, or kubectl.
TEST(KillDaemonsTest, KillMayStartProcessesAndLookAtThem) {
  std::vector<Process> killers;
  // Its Process detaches it.
  MakeDaemon([&killers] {
    EXPECT_THAT(ActiveChildren(), SizeIs(1));
    killers.push_back(Process(std::make_unique<RemoteChild>([] {}), StdioEnds(),
                              Command::Program("killer")));
    killers.back().Kill().IgnoreError();
  });
  KillDaemons();
  EXPECT_THAT(killers, SizeIs(1));
  EXPECT_THAT(ActiveChildren(), IsEmpty());
}

TEST(KillDaemonsTest, ADaemonThatComesLaterIsKilledAtOnce) {
  KillDaemons();
  bool killed = false;
  const Process daemon = MakeDaemon([&killed] { killed = true; });
  EXPECT_TRUE(killed);
}

}  // namespace
}  // namespace multiproc
