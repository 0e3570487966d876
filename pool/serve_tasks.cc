#include "multiproc/pool/serve_tasks.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <stdio_ext.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <streambuf>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#ifdef __GLIBCXX__
#include <ext/stdio_sync_filebuf.h>
#endif

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/kept_by_process.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/answer_journal.h"
#include "multiproc/pool/current_task.h"
#include "multiproc/pool/message_channel.h"
#include "multiproc/pool/nesting.h"
#include "multiproc/pool/output_marker.h"
#include "multiproc/pool/parent_watch.h"
#include "multiproc/pool/resident_memory.h"
#include "multiproc/pool/spinner.h"
#include "multiproc/pool/task_gate.h"
#include "multiproc/pool/worker_log.h"
#include "multiproc/pool/worker_memory.h"
#include "multiproc/pool/worker_signals.h"

namespace multiproc {
namespace {

// Answers are gathered for this long, while there is more to do. Then they are
// written, unless a long task has begun meanwhile: the parent looks for them in
// the journal.
constexpr absl::Duration kGatherTime = absl::Microseconds(100);

// As much of a function's name is in an error that must find room in any frame.
constexpr size_t kQuotedName = 100;

// Both are asked after each task, and a flush that finds nothing takes locks.
bool PassesOnToStdout(std::streambuf* buffer) {
#if defined(__GLIBCXX__) && defined(__GXX_RTTI)
  using SyncBuffer = __gnu_cxx::stdio_sync_filebuf<char>;
  return buffer != nullptr && typeid(*buffer) == typeid(SyncBuffer) &&
         static_cast<SyncBuffer*>(buffer)->file() == stdout;
#else
  (void)buffer;
  return false;
#endif
}

bool StdoutIsFlushed() {
#ifdef __linux__
  return __fpending(stdout) == 0;
#else
  return false;
#endif
}

// What a user prints in a task is to be seen when the task ends, not when the
// worker does.
void FlushStreams() {
  if (!PassesOnToStdout(std::cout.rdbuf())) std::cout.flush();
  if (!StdoutIsFlushed()) std::fflush(stdout);
}

// `error` is the initializer's.
absl::Status SendHello(const absl::Status& error, MessageChannel& channel) {
  WorkerHello hello;
  hello.set_pid(CurrentPid());
  if (!error.ok()) *hello.mutable_error() = StatusToProto(error);
  absl::Status status = channel.Send(FrameType::kWorkerHello, hello);
  if (absl::IsResourceExhausted(status)) {
    *hello.mutable_error() = StatusToProto(absl::Status(
        error.code(), absl::StrCat("its error is ", status.message())));
    status = channel.Send(FrameType::kWorkerHello, hello);
  }
  return status.ok() ? channel.Flush() : status;
}

// Unlike a task it is not ended at once when the parent is gone: a worker that
// is told to leave meanwhile can't tell the one from the other.
absl::Status RunHook(const FunctionCall& call) {
  std::string result;
  bool own_error = false;
  absl::Status status = RunCall(call, &result, &own_error);
  FlushStreams();
  return status;
}

// What a task has freed is for the next one. The C library would give it back
// to the system, and ask again: page by page, at a price.
void KeepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

// A worker's work: one channel, one gate, one request at a time.
class TaskServer {
 public:
  TaskServer(const WorkerConfig& config, ScopedFileHandle requests,
             ScopedFileHandle responses, SharedMemory memory, ParentWatch watch)
      : config_(config),
        memory_(std::move(memory)),
        gate_(&WorkerMemory::In(memory_)->gate),
        journal_(WorkerMemory::In(memory_)),
        channel_(std::move(requests), std::move(responses),
                 config.max_frame_bytes()),
        watch_(std::move(watch)),
        marker_(config.output_nonce()),
        spinner_(absl::Nanoseconds(config.spin_time_ns())) {
    channel_.set_journal(&journal_);
    running_.notice = &WorkerMemory::In(memory_)->notice;
    running_.listened = WorkerMemory::In(memory_)->listened;
    running_.report = [this](absl::string_view bytes) { return Report(bytes); };
    running_.pid = CurrentPid();
    running_.request = &request_;
    // A fork has that of the task that made it.
    running_.id = 0;
    TagLogs(config.tag_logs() ? config.worker_id() : 0, &running_.id);
  }

  absl::Status Serve();

 private:
  absl::Status ServeRequests();
  void AwaitRequest();
  absl::Status Handle(const Frame& frame);
  absl::Status HandleRequest(const Frame& frame);
  absl::Status Run(PackedBytes arguments);
  absl::Status RunBegun(PackedBytes arguments);
  void FillResponse(PackedBytes arguments);
  absl::Status SendResponse();
  absl::Status SendGreatResponse();
  absl::Status Write();
  bool Report(absl::string_view bytes);

  bool IsTooGreat() const;

  const WorkerConfig config_;
  const SharedMemory memory_;
  TaskGate gate_;
  AnswerJournal journal_;
  MessageChannel channel_;
  ParentWatch watch_;
  OutputMarker marker_;
  Spinner spinner_;
  // The same messages for all tasks: their memory is kept.
  TaskRequest request_;
  TaskResponse response_;
  std::string result_;
  // With great Cords, instead of that.
  absl::Cord great_result_;
  current_task_internal::Running& running_ = current_task_internal::Start();
  // The request is there, and its arguments are the next frame.
  bool attachment_is_due_ = false;
  absl::Time last_begin_;
  // When the last task ended, if this one was there already.
  std::optional<absl::Time> last_end_;
  // From when on an answer is due to be written, if there is one.
  std::optional<absl::Time> write_at_;
  // It has said so, and begins nothing more.
  bool leaving_ = false;
};

absl::Status TaskServer::Serve() {
  absl::Status status;
  if (config_.has_initializer()) status = RunHook(config_.initializer());
  absl::Status said = SendHello(status, channel_);
  if (!status.ok() || !said.ok()) return said;
  status = ServeRequests();
  // What was taken back may be in the pipe still, and half of it be missing.
  if (WorkerMemory::In(memory_)->dismissed == 0) return status;
  // It has the time that it was given, whoever else wants it to end.
  WorkerSignals::BeginTask();
  if (config_.has_finalizer()) RunHook(config_.finalizer()).IgnoreError();
  return absl::OkStatus();
}

absl::Status TaskServer::ServeRequests() {
  absl::Status status;
  while (status.ok()) {
    absl::StatusOr<std::optional<Frame>> frame = channel_.Next();
    if (frame.ok() && !frame->has_value()) {
      last_end_ = std::nullopt;
      status = Write();
      if (!status.ok()) return status;
      AwaitRequest();
      frame = channel_.Receive();
    }
    if (absl::IsOutOfRange(frame.status())) return absl::OkStatus();
    if (!frame.ok() || !frame->has_value()) return frame.status();
    status = Handle(**frame);
  }
  return status;
}

// What comes while it polls need not wake it.
void TaskServer::AwaitRequest() {
  const absl::Duration spin_time = spinner_.NextTime();
  if (spin_time == absl::ZeroDuration()) return;
  const absl::Time end = MonotonicNow() + spin_time;
  bool readable = false;
  do {
    readable = WaitReadable(channel_.in(), absl::ZeroDuration());
  } while (!readable && MonotonicNow() < end);
  spinner_.Record(readable);
}

absl::Status TaskServer::Handle(const Frame& frame) {
  if (frame.type == FrameType::kAttachment && attachment_is_due_) {
    attachment_is_due_ = false;
    return Run(channel_.TakeAttachment());
  }
  if (frame.type == FrameType::kTaskRequest && !attachment_is_due_) {
    return HandleRequest(frame);
  }
  if (frame.type == FrameType::kTakeBack && !attachment_is_due_) {
    gate_.Reopen();
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("a frame of type ",
                                          static_cast<int>(frame.type),
                                          " is not the parent's to send"));
}

absl::Status TaskServer::HandleRequest(const Frame& frame) {
  if (!request_.ParseFromArray(frame.payload.data(),
                               static_cast<int>(frame.payload.size()))) {
    return absl::DataLossError("a frame from the parent is no TaskRequest");
  }
  attachment_is_due_ = request_.attached();
  if (attachment_is_due_) return absl::OkStatus();
  // The next great one may be long in coming, and this one need the memory.
  FreeKeptByProcess();
  return Run(PackedBytes(request_.call().arguments()));
}

absl::Status TaskServer::Run(PackedBytes arguments) {
  if (leaving_) return absl::OkStatus();
  WorkerSignals::BeginTask();
  absl::Status status;
  if (gate_.TryBegin() && watch_.BeginTask()) {
    status = RunBegun(std::move(arguments));
  }
  if (!leaving_) WorkerSignals::EndTask();
  return status;
}

// The task has ended before its answer is sent: the parent, once it has it, may
// dismiss this worker, which is no death in the middle of a task then.
absl::Status TaskServer::RunBegun(PackedBytes arguments) {
  last_begin_ = last_end_.value_or(MonotonicNow());
  running_.begin = last_begin_;
  running_.id.store(request_.task_id(), std::memory_order_relaxed);
  marker_.Begin(request_.task_id());
  FillResponse(std::move(arguments));
  running_.id.store(0, std::memory_order_relaxed);
  FlushStreams();
  marker_.End();
  watch_.EndTask();
  last_end_ = MonotonicNow();
  const bool was_terminated = WorkerSignals::WasTerminated();
  leaving_ = was_terminated || IsTooGreat();
  response_.set_leaving(leaving_);
  response_.set_was_terminated(was_terminated);
  response_.set_run_time_ns(static_cast<uint64_t>(std::max<int64_t>(
      absl::ToInt64Nanoseconds(*last_end_ - last_begin_), 1)));
  if (config_.tell_start()) {
    response_.set_start_time_ns(static_cast<uint64_t>(
        absl::ToInt64Nanoseconds(last_begin_ - absl::UnixEpoch())));
  }
  return SendResponse();
}

bool TaskServer::IsTooGreat() const {
  return config_.max_resident_bytes() > 0 &&
         ResidentBytes().value_or(0) > config_.max_resident_bytes();
}

void TaskServer::FillResponse(PackedBytes arguments) {
  response_.Clear();
  response_.set_task_id(request_.task_id());
  result_.clear();
  great_result_.Clear();
  bool own_error = false;
  absl::Status status =
      RunCall(request_.call(), std::max<uint64_t>(request_.count(), 1),
              std::move(arguments), &result_, &own_error, &great_result_);
  if (status.ok()) return;
  result_.clear();
  great_result_.Clear();
  if (own_error) MarkTaskError(&status);
  *response_.mutable_error() = StatusToProto(status);
}

// A result that is too long, or an error that is, becomes an error that fits.
absl::Status TaskServer::SendResponse() {
  absl::Status status;
  if (result_.size() >= kAttachmentBytes || !great_result_.empty()) {
    status = SendGreatResponse();
  } else {
    if (!response_.has_error()) response_.set_result(result_);
    status = channel_.Send(FrameType::kTaskResponse, response_);
  }
  if (absl::IsResourceExhausted(status)) {
    const std::string& name = request_.call().function();
    *response_.mutable_error() = StatusToProto(absl::ResourceExhaustedError(
        absl::StrCat("the answer of '", name.substr(0, kQuotedName),
                     name.size() > kQuotedName ? "..." : "", "' is ",
                     status.message())));
    status = channel_.Send(FrameType::kTaskResponse, response_);
  }
  if (!status.ok()) return status;
  if (!channel_.has_unsent()) return absl::OkStatus();
  // What found no room in the journal is safe in the pipe only.
  if (channel_.queue_size() > 0) return Write();
  // In the journal it is safe; the parent is to have it soon, too.
  if (!write_at_.has_value()) write_at_ = last_begin_ + kGatherTime;
  return *last_end_ < *write_at_ ? absl::OkStatus() : Write();
}

absl::Status TaskServer::Write() {
  write_at_ = std::nullopt;
  return channel_.Flush();
}

// On the thread that runs the task, which alone uses the channel. What can't be
// written is found again with the answer.
bool TaskServer::Report(absl::string_view bytes) {
  TaskProgress progress;
  progress.set_task_id(request_.task_id());
  progress.set_message(std::string(bytes));
  return channel_.Send(FrameType::kTaskProgress, progress).ok() && Write().ok();
}

absl::Status TaskServer::SendGreatResponse() {
  absl::Cord result = great_result_.empty() ? CordOfPacked(std::move(result_))
                                            : std::move(great_result_);
  result_.clear();
  great_result_.Clear();
  absl::Status status = channel_.CheckSize(result.size());
  if (!status.ok()) return status;
  response_.set_attached(true);
  status = channel_.Send(FrameType::kTaskResponse, response_);
  if (!status.ok()) return status;
  status = channel_.SendAttachment(std::move(result));
  return status.ok() ? Write() : status;
}

}  // namespace

absl::Status ServeTasks(const WorkerConfig& config, ScopedFileHandle requests,
                        ScopedFileHandle responses, SharedMemory memory) {
  absl::StatusOr<ParentWatch> watch =
      ParentWatch::Start(requests.get(), responses.get());
  if (!watch.ok()) return watch.status();
  // Never closed: the watch looks at its handles until the process ends.
  static std::vector<std::unique_ptr<TaskServer>>* const servers =
      new std::vector<std::unique_ptr<TaskServer>>;
  servers->push_back(std::make_unique<TaskServer>(
      config, std::move(requests), std::move(responses), std::move(memory),
      *std::move(watch)));
  return servers->back()->Serve();
}

absl::Status ServeTasksOfSelf(const WorkerConfig& config,
                              ScopedFileHandle requests,
                              ScopedFileHandle responses, SharedMemory memory) {
  return TaskServer(config, std::move(requests), std::move(responses),
                    std::move(memory), ParentWatch::OfNobody())
      .Serve();
}

absl::Status ServePool(const WorkerConfig& config) {
  if (config.layout() != WorkerMemory::kLayout) {
    return absl::FailedPreconditionError(
        "this worker program and its parent were built with two versions of "
        "multiproc; build both with one");
  }
  const std::vector<FileHandle>& handles = InheritedHandles();
  if (handles.size() != 3) {
    return absl::FailedPreconditionError(
        "ServePool is for the workers of a pool, which have three handles");
  }
  WorkerSignals::Handle();
  KeepFreedMemory();
  if (config.max_resident_bytes() > 0) KeepNothingByProcess();
  EnterWorker(static_cast<int>(config.pool_depth()),
              static_cast<int>(config.cpu_share()));
  absl::StatusOr<SharedMemory> memory =
      WorkerMemory::Open(ScopedFileHandle(handles[2]));
  if (!memory.ok()) return memory.status();
  return ServeTasks(config, ScopedFileHandle(handles[0]),
                    ScopedFileHandle(handles[1]), *std::move(memory));
}
MULTIPROC_FUNCTION_AS("multiproc::ServePool", ServePool);

}  // namespace multiproc
