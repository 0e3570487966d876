#include "multiproc/pool/worker_process.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/channel_pipes.h"
#include "multiproc/pool/serve_tasks.h"

namespace multiproc {
namespace {

// So much of a long frame is to come within frame_timeout.
constexpr size_t kFrameProgress = size_t{64} << 10;

uint64_t NanosecondsOf(absl::Duration duration) {
  return static_cast<uint64_t>(absl::ToInt64Nanoseconds(duration));
}

Command WorkerCommand(const WorkerProcess::Options& options,
                      const ChannelPipes& pipes, const SharedMemory& memory) {
  Command command = Command::Function(ServePool, options.config);
  command.name = absl::StrCat("worker ", options.id);
  command.function_program = options.program;
  command.environment = options.environment;
  command.limits = options.limits;
  command.inherited_handles = {pipes.worker_in.get(), pipes.worker_out.get(),
                               memory.handle()};
  // As Python's: workers that read the terminal would take it from the parent.
  command.standard_input = Stdio::Null();
  return command;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(
    const Options& options, Executor& executor) {
  absl::StatusOr<ChannelPipes> pipes = ChannelPipes::Create();
  if (!pipes.ok()) return pipes.status();
  absl::StatusOr<SharedMemory> memory = WorkerMemory::Create();
  if (!memory.ok()) return memory.status();
  Command command = WorkerCommand(options, *pipes, *memory);
  absl::StatusOr<std::unique_ptr<WorkerCapture>> capture =
      WorkerCapture::CreateFor(&command, options.id, options.output);
  if (!capture.ok()) return capture.status();
  absl::StatusOr<Process> process = executor.Spawn(command);
  if (!process.ok()) return process.status();
  if (*capture != nullptr) (*capture)->Started(process->pid());
  memory->CloseHandle();
  process->set_on_destroy(Process::OnDestroy::kKill);
  MessageChannel channel(std::move(pipes->parent_in),
                         std::move(pipes->parent_out),
                         options.config.max_frame_bytes());
  return std::unique_ptr<WorkerProcess>(
      new WorkerProcess(options, *std::move(process), std::move(channel),
                        *std::move(memory), *std::move(capture)));
}

WorkerProcess::WorkerProcess(const Options& options, Process process,
                             MessageChannel channel, SharedMemory memory,
                             std::unique_ptr<WorkerCapture> capture)
    : id_(options.id),
      eager_(options.eager),
      spare_(options.spare),
      frame_timeout_(options.frame_timeout),
      max_tasks_(options.max_tasks),
      max_age_(options.max_age),
      idle_timeout_(options.idle_timeout),
      started_at_(MonotonicNow()),
      process_(std::move(process)),
      channel_(std::move(channel)),
      memory_(std::move(memory)),
      gate_(&WorkerMemory::In(memory_)->gate),
      journal_(WorkerMemory::In(memory_)),
      capture_(std::move(capture)),
      deadline_(started_at_ + options.start_timeout) {
  channel_.set_quiet();
}

void WorkerProcess::Lease(TaskPtr task) {
  task->worker = this;
  request_.set_task_id(task->id);
  request_.set_count(task->count() == 1 ? 0 : task->count());
  FunctionCall& call = *request_.mutable_call();
  call.set_function(task->function());
  call.set_signature(task->signature());
  request_.set_attached(task->has_attachment());
  call.set_arguments(task->arguments());
  FillExtras(*task);
  // Submit has checked its size.
  channel_.Send(FrameType::kTaskRequest, request_).IgnoreError();
  if (task->has_attachment()) {
    channel_.SendAttachment(task->attachment()).IgnoreError();
  }
  if (capture_ != nullptr) capture_->AddLabel(task->id, task->label());
  leases_.push_back(std::move(task));
  ever_leased_ = true;
  if (ready_ && leases_.size() == 1) StartClock();
}

void WorkerProcess::Pin(TaskPtr task) {
  task->worker = this;
  pinned_.push_back(std::move(task));
}

void WorkerProcess::PinAgain(std::vector<TaskPtr> tasks) {
  for (const TaskPtr& task : tasks) task->worker = this;
  pinned_.insert(pinned_.begin(), std::make_move_iterator(tasks.begin()),
                 std::make_move_iterator(tasks.end()));
}

bool WorkerProcess::Unpin(const Task& task) {
  const auto found = std::find_if(
      pinned_.begin(), pinned_.end(),
      [&](const TaskPtr& pinned) { return pinned.get() == &task; });
  if (found == pinned_.end()) return false;
  (*found)->worker = nullptr;
  pinned_.erase(found);
  return true;
}

TaskPtr WorkerProcess::TakePinned() {
  TaskPtr task = std::move(pinned_.front());
  pinned_.pop_front();
  task->worker = nullptr;
  return task;
}

bool WorkerProcess::HasForOthers() const {
  return leases_.size() > 1 &&
         std::any_of(leases_.begin() + 1, leases_.end(),
                     [](const TaskPtr& task) { return !task->pinned; });
}

void WorkerProcess::FillExtras(Task& task) {
  const bool timed = task.timeout != absl::InfiniteDuration();
  const bool again = task.attempt > 1;
  if (!task.has_rare() && !timed && !again && !task.wants_progress) {
    return request_.clear_extras();
  }
  // The same task may have been asked to end here before.
  std::atomic<uint64_t>& notice = WorkerMemory::In(memory_)->notice;
  if (again && notice == task.id) notice = 0;
  TaskRequest::Extras& extras = *request_.mutable_extras();
  extras.Clear();
  extras.set_wants_progress(task.wants_progress);
  if (again) extras.set_attempt(task.attempt);
  if (timed) extras.set_timeout_ns(NanosecondsOf(task.timeout));
  if (!task.has_rare()) return;
  extras.set_label(task.rare().label);
  extras.set_soft_timeout_ns(NanosecondsOf(task.rare().soft_timeout));
}

bool WorkerProcess::IsUnbegunLease(const Task& task) const {
  const auto found =
      std::find_if(leases_.begin(), leases_.end(),
                   [&](const TaskPtr& lease) { return lease.get() == &task; });
  return usable_ && found != leases_.end() &&
         static_cast<size_t>(found - leases_.begin()) >= NumBegun();
}

void WorkerProcess::Cancel(Task& task, absl::Duration grace) {
  WorkerMemory::In(memory_)->notice = task.id;
  absl::Time& kill_at = task.rare().kill_at;
  kill_at = std::min(kill_at, MonotonicNow() + grace);
  if (leases_.front().get() == &task) deadline_ = std::min(deadline_, kill_at);
}

void WorkerProcess::Listen(const Task& task) {
  const size_t slot = task.id % WorkerMemory::kListened;
  WorkerMemory::In(memory_)->listened[slot] = task.id;
}

absl::StatusOr<std::vector<TaskPtr>> WorkerProcess::TakeBack() {
  const std::optional<size_t> begun = BegunOfLeases(gate_.Close());
  if (!begun.has_value()) {
    return absl::DataLossError(
        "something else than the worker wrote to its count of begun tasks");
  }
  channel_.Send(FrameType::kTakeBack, multiproc::TakeBack()).IgnoreError();
  std::vector<TaskPtr> tasks(
      std::make_move_iterator(leases_.begin() + static_cast<ptrdiff_t>(*begun)),
      std::make_move_iterator(leases_.end()));
  leases_.resize(*begun);
  // If it runs nothing there will be no answer to wait for, nor a deadline.
  taken_back_ = !leases_.empty();
  if (leases_.empty() && ready_) StartClock();
  return tasks;
}

std::optional<size_t> WorkerProcess::BegunOfLeases(uint32_t begun) const {
  const uint32_t of_leases = begun - static_cast<uint32_t>(num_answered_);
  if (of_leases > leases_.size()) return std::nullopt;
  return of_leases;
}

size_t WorkerProcess::NumBegun() const {
  // By the rule of the order, where the gate can't be believed.
  const size_t by_order = ready_ && !leases_.empty() ? 1 : 0;
  return BegunOfLeases(gate_.begun()).value_or(by_order);
}

// Its time of being idle begins.
void WorkerProcess::Enlist() {
  spare_ = false;
  RestartPatience(MonotonicNow());
}

void WorkerProcess::RestartPatience(absl::Time now) { patient_since_ = now; }

void WorkerProcess::Flush() {
  absl::Status status = channel_.Flush();
  // A worker that does not read any more has ended or is about to: its exit
  // event tells. For any other reason half a request would never be completed.
  if (!status.ok() && !absl::IsAborted(status)) Kill(std::move(status));
}

absl::Status WorkerProcess::Receive(size_t max_bytes,
                                    const AnswerCallback& on_answer) {
  return Account([&] { return ReceiveFrames(max_bytes, false, on_answer); });
}

absl::Status WorkerProcess::ReceiveSoonest(size_t max_bytes,
                                           const AnswerCallback& on_answer) {
  const uint64_t answered = num_answered_;
  absl::Status status = ReceiveUnwritten(on_answer);
  const bool found = num_answered_ != answered;
  // What the pipe brings of it later must not fill the pipe.
  if (!status.ok() || (found && channel_.known_bytes() < kMostKnownBytes)) {
    return status;
  }
  return Receive(max_bytes, on_answer);
}

absl::Status WorkerProcess::ReceiveRest(size_t max_bytes,
                                        const AnswerCallback& on_answer) {
  Account([&] {
    return ReceiveFrames(max_bytes, true, on_answer);
  }).IgnoreError();
  return ReceiveUnwritten(on_answer);
}

absl::Status WorkerProcess::ReceiveUnwritten(const AnswerCallback& on_answer) {
  // The journal goes on where the pipe has ended.
  absl::Status end;
  if (absl::IsOutOfRange(receive_error_)) std::swap(end, receive_error_);
  Account([&] {
    return channel_.FillFrom(journal_) ? HandleFrames(on_answer)
                                       : absl::OkStatus();
  }).IgnoreError();
  // Twice in the same task, which runs still: what it had answered before is
  // known now. Without one it may answer any number before a long one begins.
  const uint32_t begun = gate_.begun();
  looked_for_unwritten_ =
      begun == begun_at_last_look_ && BegunOfLeases(begun).value_or(0) > 0;
  begun_at_last_look_ = begun;
  if (receive_error_.ok()) receive_error_ = std::move(end);
  return receive_error_;
}

absl::Status WorkerProcess::Account(
    const std::function<absl::Status()>& receive) {
  const uint64_t answered = num_answered_;
  const uint64_t frames = num_frames_;
  if (receive_error_.ok()) receive_error_ = receive();
  if (num_answered_ != answered) StartClock();
  if (!channel_.in_frame() && !attachment_is_due_) {
    frame_deadline_ = absl::InfiniteFuture();
    return receive_error_;
  }
  const bool begins =
      frame_deadline_ == absl::InfiniteFuture() || num_answered_ != answered;
  const size_t received = channel_.received_bytes();
  if (begins || num_frames_ != frames ||
      received - frame_mark_ >= kFrameProgress) {
    frame_mark_ = received;
    frame_deadline_ = MonotonicNow() + frame_timeout_;
  }
  if (begins) AwaitAnswer();
  return receive_error_;
}

absl::Status WorkerProcess::ReceiveFrames(size_t max_bytes, bool to_the_end,
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
    if (channel_.drained() && !to_the_end) return HandleFrames(on_answer);
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
  ++num_frames_;
  if (frame.type == FrameType::kWorkerHello && !ready_) {
    return HandleHello(frame);
  }
  if (frame.type == FrameType::kAttachment && attachment_is_due_ &&
      !leases_.empty() && leases_.front()->id == response_.task_id()) {
    Answer(channel_.TakeAttachment(), on_answer);
    return absl::OkStatus();
  }
  if (frame.type == FrameType::kTaskResponse && ready_ && !attachment_is_due_) {
    return HandleResponse(frame, on_answer);
  }
  if (frame.type == FrameType::kTaskProgress && ready_ && !attachment_is_due_) {
    return HandleProgress(frame);
  }
  return absl::DataLossError(
      absl::StrCat("a frame of type ", static_cast<int>(frame.type),
                   ready_ ? "" : " before Hello", " is not its to send"));
}

absl::Status WorkerProcess::HandleHello(const Frame& frame) {
  WorkerHello hello;
  if (!hello.ParseFromArray(frame.payload.data(),
                            static_cast<int>(frame.payload.size()))) {
    return absl::DataLossError("a frame holds no WorkerHello");
  }
  if (hello.has_error()) {
    start_error_ = StatusFromProto(hello.error());
    return absl::OkStatus();
  }
  ready_ = true;
  StartClock();
  // Not from its start on: one that starts slowly would never run a task.
  too_old_at_ = head_since_ + max_age_;
  return absl::OkStatus();
}

absl::Status WorkerProcess::HandleProgress(const Frame& frame) {
  TaskProgress progress;
  if (!progress.ParseFromArray(frame.payload.data(),
                               static_cast<int>(frame.payload.size())) ||
      leases_.empty() || leases_.front()->id != progress.task_id()) {
    return absl::DataLossError(
        "a frame holds no TaskProgress of the task that is due");
  }
  leases_.front()->PostProgress(progress.message());
  // What has begun to come was not its answer.
  SetDeadline();
  return absl::OkStatus();
}

absl::Status WorkerProcess::HandleResponse(const Frame& frame,
                                           const AnswerCallback& on_answer) {
  if (!response_.ParseFromArray(frame.payload.data(),
                                static_cast<int>(frame.payload.size())) ||
      response_.outcome_case() == TaskResponse::OUTCOME_NOT_SET) {
    return absl::DataLossError("a frame holds no TaskResponse");
  }
  if (leases_.empty() || leases_.front()->id != response_.task_id()) {
    return absl::DataLossError(absl::StrCat(
        "an answer to task ", response_.task_id(), ", which is ",
        leases_.empty()
            ? "not its own"
            : absl::StrCat("not task ", leases_.front()->id, " that is due")));
  }
  attachment_is_due_ = response_.outcome_case() == TaskResponse::kAttached;
  if (!attachment_is_due_) Answer(PackedBytes(), on_answer);
  return absl::OkStatus();
}

void WorkerProcess::Answer(PackedBytes attachment,
                           const AnswerCallback& on_answer) {
  TaskPtr task = std::move(leases_.front());
  leases_.pop_front();
  task->worker = nullptr;
  ever_answered_ = true;
  attachment_is_due_ = false;
  taken_back_ = false;
  looked_for_unwritten_ = false;
  // Another may have taken its place there.
  if (!leases_.empty() && leases_.front()->wants_progress) {
    Listen(*leases_.front());
  }
  ++num_answered_;
  wants_to_leave_ = wants_to_leave_ || response_.leaving();
  was_terminated_ = was_terminated_ || response_.was_terminated();
  on_answer(std::move(task), response_, std::move(attachment));
}

void WorkerProcess::StartClock() {
  head_since_ = MonotonicNow();
  patient_since_ = head_since_;
  SetDeadline();
}

void WorkerProcess::SetDeadline() {
  if (!usable_) return;
  deadline_ = absl::InfiniteFuture();
  if (leases_.empty()) return;
  const Task& head = *leases_.front();
  deadline_ = std::min(head_since_ + head.timeout, head.kill_at());
}

// A task whose answer has begun to come has ended, and has not overrun. But one
// that comes drop by drop must not keep the worker for ever.
void WorkerProcess::AwaitAnswer() {
  if (!ready_ || !usable_ || frame_timeout_ == absl::InfiniteDuration()) return;
  deadline_ = std::max(deadline_, frame_deadline_);
}

size_t WorkerProcess::TasksLeft() const {
  // Something may be added to it.
  if (max_tasks_ == 0) return std::numeric_limits<size_t>::max() / 2;
  const uint64_t had = num_answered_ + leases_.size();
  return max_tasks_ > had ? static_cast<size_t>(max_tasks_ - had) : 0;
}

absl::Time WorkerProcess::leave_at() const {
  if (!usable_) return absl::InfiniteFuture();
  if (wants_to_leave_) return absl::InfinitePast();
  const bool idle = this->idle();
  if (idle && (leaving_ || TasksLeft() == 0)) return absl::InfinitePast();
  if (leaving_) return absl::InfiniteFuture();
  const absl::Time too_old = stale_ ? absl::InfiniteFuture() : too_old_at_;
  if (!idle || !ready_ || spare_) return too_old;
  return std::min(too_old, patient_since_ + idle_timeout_);
}

void WorkerProcess::Dismiss(absl::Duration exit_timeout) {
  usable_ = false;
  dismissed_ = true;
  deadline_ = MonotonicNow() + exit_timeout;
  WorkerMemory::In(memory_)->dismissed = 1;
  channel_.CloseSend();
}

void WorkerProcess::AwaitExit(absl::Duration grace) {
  usable_ = false;
  awaiting_exit_ = true;
  deadline_ = MonotonicNow() + grace;
}

void WorkerProcess::Kill(absl::Status reason) {
  usable_ = false;
  killed_ = true;
  deadline_ = absl::InfiniteFuture();
  // Should the system refuse the kill (a task has changed its user), the end of
  // the channel is what makes the worker go.
  channel_.CloseSend();
  if (kill_reason_.ok()) kill_reason_ = std::move(reason);
  process_.Kill().IgnoreError();
}

void WorkerProcess::KillForTask(uint64_t task_id, absl::Status reason) {
  killed_for_task_ = task_id;
  Kill(std::move(reason));
}

bool WorkerProcess::WasKilledFor(const Task& task) const {
  return !kill_reason_.ok() &&
         (!killed_for_task_.has_value() || *killed_for_task_ == task.id);
}

ExitStatus WorkerProcess::Reap() {
  const absl::StatusOr<ExitStatus> status = process_.Wait();
  return status.ok() ? *status : ExitStatus::Unknown();
}

}  // namespace multiproc
