#include "multiproc/pool/worker_process.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/pool/channel_pipes.h"
#include "multiproc/pool/serve_tasks.h"

namespace multiproc {
namespace {

Command WorkerCommand(const WorkerConfig& config, const ChannelPipes& pipes) {
  Command command = Command::Function(ServePool, config);
  command.inherited_handles = {pipes.worker_in.get(), pipes.worker_out.get()};
  // As Python's: workers that read the terminal would take it from the parent.
  command.standard_input = Stdio::Null();
  return command;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(
    const Options& options, Executor& executor) {
  absl::StatusOr<ChannelPipes> pipes = ChannelPipes::Create();
  if (!pipes.ok()) return pipes.status();
  absl::StatusOr<Process> process =
      executor.Spawn(WorkerCommand(options.config, *pipes));
  if (!process.ok()) return process.status();
  process->set_on_destroy(Process::OnDestroy::kKill);
  MessageChannel channel(std::move(pipes->parent_in),
                         std::move(pipes->parent_out),
                         options.config.max_frame_bytes());
  return std::unique_ptr<WorkerProcess>(
      new WorkerProcess(options, *std::move(process), std::move(channel)));
}

WorkerProcess::WorkerProcess(const Options& options, Process process,
                             MessageChannel channel)
    : id_(options.id),
      eager_(options.eager),
      frame_timeout_(options.frame_timeout),
      process_(std::move(process)),
      channel_(std::move(channel)),
      deadline_(MonotonicNow() + options.start_timeout) {}

void WorkerProcess::Lease(std::unique_ptr<Task> task) {
  // Submit has checked its size.
  channel_.Send(FrameType::kTaskRequest, task->request).IgnoreError();
  leases_.push_back(std::move(task));
  ever_leased_ = true;
  if (ready_ && leases_.size() == 1) StartClock();
}

void WorkerProcess::Flush() {
  // A worker that does not read any more has ended or is about to: its exit
  // event tells.
  channel_.Flush().IgnoreError();
}

absl::Status WorkerProcess::Receive(size_t max_bytes,
                                    const AnswerCallback& on_answer) {
  const size_t begin = channel_.received_bytes();
  if (receive_error_.ok()) receive_error_ = ReceiveFrames(max_bytes, on_answer);
  if (!channel_.in_frame()) {
    frame_deadline_ = absl::InfiniteFuture();
  } else if (channel_.received_bytes() != begin) {
    frame_deadline_ = MonotonicNow() + frame_timeout_;
  }
  return receive_error_;
}

absl::Status WorkerProcess::ReceiveFrames(size_t max_bytes,
                                          const AnswerCallback& on_answer) {
  const size_t begin = channel_.received_bytes();
  while (true) {
    absl::Status status = HandleFrames(on_answer);
    // Never before all that was read is handled: nobody would wake for it.
    if (!status.ok() || channel_.received_bytes() - begin >= max_bytes) {
      return status;
    }
    const absl::StatusOr<bool> filled = channel_.Fill();
    if (!filled.ok() || !*filled) return filled.status();
  }
}

absl::Status WorkerProcess::HandleFrames(const AnswerCallback& on_answer) {
  while (true) {
    const absl::StatusOr<std::optional<Frame>> frame = channel_.Next();
    if (!frame.ok() || !frame->has_value()) return frame.status();
    absl::Status status = HandleFrame(**frame, on_answer);
    if (!status.ok()) return status;
  }
}

absl::Status WorkerProcess::HandleFrame(const Frame& frame,
                                        const AnswerCallback& on_answer) {
  if (frame.type == FrameType::kWorkerHello && !ready_) {
    ready_ = true;
    StartClock();
    return absl::OkStatus();
  }
  if (frame.type == FrameType::kTaskResponse && ready_) {
    return HandleResponse(frame, on_answer);
  }
  return absl::DataLossError(
      absl::StrCat("a frame of type ", static_cast<int>(frame.type),
                   ready_ ? "" : " before Hello", " is not its to send"));
}

absl::Status WorkerProcess::HandleResponse(const Frame& frame,
                                           const AnswerCallback& on_answer) {
  TaskResponse response;
  if (!response.ParseFromArray(frame.payload.data(),
                               static_cast<int>(frame.payload.size())) ||
      response.outcome_case() == TaskResponse::OUTCOME_NOT_SET) {
    return absl::DataLossError("a frame holds no TaskResponse");
  }
  if (leases_.empty() || leases_.front()->id() != response.task_id()) {
    return absl::DataLossError(absl::StrCat(
        "an answer to task ", response.task_id(), ", which is ",
        leases_.empty() ? "not its own"
                        : absl::StrCat("not task ", leases_.front()->id(),
                                       " that is due")));
  }
  std::unique_ptr<Task> task = std::move(leases_.front());
  leases_.pop_front();
  ever_answered_ = true;
  StartClock();
  on_answer(std::move(task), std::move(response));
  return absl::OkStatus();
}

void WorkerProcess::StartClock() {
  if (!usable_) return;
  deadline_ = leases_.empty() ? absl::InfiniteFuture()
                              : MonotonicNow() + leases_.front()->timeout;
}

void WorkerProcess::Dismiss(absl::Duration exit_timeout) {
  usable_ = false;
  dismissed_ = true;
  deadline_ = MonotonicNow() + exit_timeout;
  channel_.CloseSend();
}

void WorkerProcess::AwaitExit(absl::Duration grace) {
  usable_ = false;
  awaiting_exit_ = true;
  deadline_ = MonotonicNow() + grace;
}

void WorkerProcess::Kill(absl::Status reason) {
  usable_ = false;
  deadline_ = absl::InfiniteFuture();
  // Should the system refuse the kill (a task has changed its user), the end of
  // the channel is what makes the worker go.
  channel_.CloseSend();
  if (kill_reason_.ok()) kill_reason_ = std::move(reason);
  process_.Kill().IgnoreError();
}

ExitStatus WorkerProcess::Reap() {
  const absl::StatusOr<ExitStatus> status = process_.Wait();
  return status.ok() ? *status : ExitStatus::Unknown();
}

}  // namespace multiproc
