#include "multiproc/pool/serve_tasks.h"

#ifdef _WIN32
#include "multiproc/executors/windows_api.h"
#else
#include <signal.h>
#endif

#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/message_channel.h"
#include "multiproc/pool/parent_watch.h"

namespace multiproc {
namespace {

// What a user prints in a task is to be seen when the task ends, not when the
// worker does.
void FlushStreams() {
  std::cout.flush();
  std::fflush(stdout);
}

TaskResponse RunTask(const TaskRequest& request) {
  TaskResponse response;
  response.set_task_id(request.task_id());
  bool own_error = false;
  absl::Status status =
      RunCall(request.call(), response.mutable_result(), &own_error);
  if (status.ok()) return response;
  if (own_error) MarkTaskError(&status);
  *response.mutable_error() = StatusToProto(status);
  return response;
}

// A result that is too long, or an error that is, becomes an error that fits.
absl::Status SendResponse(const TaskRequest& request, TaskResponse response,
                          MessageChannel& channel) {
  absl::Status status = channel.Send(FrameType::kTaskResponse, response);
  if (absl::IsResourceExhausted(status)) {
    *response.mutable_error() = StatusToProto(absl::ResourceExhaustedError(
        absl::StrCat("the answer of '", request.call().function(), "' is ",
                     status.message())));
    status = channel.Send(FrameType::kTaskResponse, response);
  }
  if (!status.ok()) return status;
  return channel.Flush();
}

// The task has ended before its answer is sent: the parent, once it has it, may
// dismiss this worker, which is no death in the middle of a task then.
absl::Status ServeTask(const Frame& frame, MessageChannel& channel,
                       ParentWatch& watch) {
  TaskRequest request;
  if (frame.type != FrameType::kTaskRequest ||
      !request.ParseFromArray(frame.payload.data(),
                              static_cast<int>(frame.payload.size()))) {
    return absl::DataLossError("a frame from the parent is no TaskRequest");
  }
  if (!watch.BeginTask()) return absl::OkStatus();
  TaskResponse response = RunTask(request);
  FlushStreams();
  watch.EndTask();
  return SendResponse(request, std::move(response), channel);
}

absl::Status SendHello(MessageChannel& channel) {
  WorkerHello hello;
  hello.set_pid(CurrentPid());
  absl::Status status = channel.Send(FrameType::kWorkerHello, hello);
  return status.ok() ? channel.Flush() : status;
}

// Ctrl-C goes to every process of the terminal's foreground group. What becomes
// of the tasks is the parent's decision.
void IgnoreInterrupts() {
#ifdef _WIN32
  // Ctrl-C alone; programs that a task starts inherit it, as there.
  SetConsoleCtrlHandler(nullptr, TRUE);
#else
  signal(SIGINT, SIG_IGN);
#endif
}

}  // namespace

absl::Status ServeTasks(const WorkerConfig& config, ScopedFileHandle requests,
                        ScopedFileHandle responses) {
  absl::StatusOr<ParentWatch> watch =
      ParentWatch::Start(requests.get(), responses.get());
  if (!watch.ok()) return watch.status();
  // Never closed: the watch looks at its handles until the process ends.
  static std::vector<std::unique_ptr<MessageChannel>>* const channels =
      new std::vector<std::unique_ptr<MessageChannel>>;
  channels->push_back(std::make_unique<MessageChannel>(
      std::move(requests), std::move(responses), config.max_frame_bytes()));
  MessageChannel& channel = *channels->back();
  absl::Status status = SendHello(channel);
  while (status.ok()) {
    const absl::StatusOr<std::optional<Frame>> frame = channel.Receive();
    if (absl::IsOutOfRange(frame.status())) return absl::OkStatus();
    if (!frame.ok() || !frame->has_value()) return frame.status();
    status = ServeTask(**frame, channel, *watch);
  }
  return status;
}

absl::Status ServePool(const WorkerConfig& config) {
  if (InheritedHandles().size() != 2) {
    return absl::FailedPreconditionError(
        "ServePool is for the workers of a pool, which have two handles");
  }
  IgnoreInterrupts();
  return ServeTasks(config, ScopedFileHandle(InheritedHandles()[0]),
                    ScopedFileHandle(InheritedHandles()[1]));
}
MULTIPROC_FUNCTION_AS("multiproc::ServePool", ServePool);

}  // namespace multiproc
