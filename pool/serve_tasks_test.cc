// A worker in the test's own process, that finds its requests in a pipe.

#include "multiproc/pool/serve_tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/shared_memory.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/frame_reader.h"
#include "multiproc/pool/message_channel.h"
#include "multiproc/pool/worker_memory.h"
#include "multiproc/proto/task.pb.h"
#include "tests/scripted_worker.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Repeat(uint32_t size) { return std::string(size, 'x'); }
MULTIPROC_FUNCTION(Repeat);

// A name may be as long as that of a template.
std::string LongName() { return "F" + std::string(900, 'o'); }
MULTIPROC_FUNCTION_AS(LongName(), Repeat);

constexpr size_t kMaxFrameBytes = 1024;

// What a worker says to `requests`, all frames, behind its Hello.
std::vector<TaskResponse> Serve(absl::string_view requests,
                                absl::Status* status) {
  Pipe in = *Pipe::Create();
  Pipe out = *Pipe::Create();
  SharedMemory memory = *WorkerMemory::Create();
  EXPECT_TRUE(WriteAll(in.write_end.get(), requests).ok());
  in.write_end.reset();
  WorkerConfig config;
  config.set_max_frame_bytes(kMaxFrameBytes);
  *status = ServeTasksOfSelf(config, std::move(in.read_end),
                             std::move(out.write_end), std::move(memory));
  MessageChannel channel(std::move(out.read_end), ScopedFileHandle(),
                         kMaxFrameBytes);
  EXPECT_TRUE(channel.Receive().ok());
  std::vector<TaskResponse> responses;
  absl::StatusOr<std::optional<Frame>> frame = channel.Receive();
  for (; frame.ok(); frame = channel.Receive()) {
    EXPECT_EQ((*frame)->type, FrameType::kTaskResponse);
    responses.emplace_back();
    EXPECT_TRUE(
        responses.back().ParseFromString(std::string((*frame)->payload)));
  }
  return responses;
}

std::string RequestFor(uint64_t id, const std::string& function,
                       uint32_t size) {
  TaskRequest request;
  request.set_task_id(id);
  *request.mutable_call() = *MakeCall(Repeat, size);
  request.mutable_call()->set_function(function);
  return FrameOf(FrameType::kTaskRequest, request);
}

TEST(ServeTasksTest, AParentOfAnotherVersionIsRefused) {
  WorkerConfig config;
  config.set_layout(WorkerMemory::kLayout + 1);
  const absl::Status status = ServePool(config);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr("two versions of multiproc"));
  config.set_layout(WorkerMemory::kLayout);
  EXPECT_THAT(std::string(ServePool(config).message()),
              testing::HasSubstr("three handles"));
}

// However long the function's name is: the task fails, and not the worker.
TEST(ServeTasksTest, TheErrorOfAnAnswerThatIsTooLongFits) {
  absl::Status status;
  const std::string nobody(960, 'n');
  const std::vector<TaskResponse> responses =
      Serve(RequestFor(1, "Repeat", 5000) + RequestFor(2, LongName(), 5000) +
                RequestFor(3, nobody, 1) + RequestFor(4, "Repeat", 3),
            &status);
  EXPECT_TRUE(status.ok()) << status;
  ASSERT_EQ(responses.size(), 4);
  const std::string names[] = {"'Repeat'", "'F" + std::string(99, 'o') + "...'",
                               "'" + std::string(100, 'n') + "...'"};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(responses[i].task_id(), i + 1);
    EXPECT_EQ(responses[i].error().code(),
              static_cast<int>(absl::StatusCode::kResourceExhausted));
    EXPECT_THAT(responses[i].error().message(),
                AllOf(StartsWith("the answer of " + names[i] + " is "),
                      HasSubstr("over the limit of 1024")));
  }
  EXPECT_EQ(responses[3].result(), "\3xxx");
}

}  // namespace
}  // namespace multiproc
