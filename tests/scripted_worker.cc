#include "tests/scripted_worker.h"

#include <algorithm>
#include <utility>

#include "multiproc/executors/command.h"
#include "multiproc/pool/frame_reader.h"
#include "tests/test_os.h"

namespace multiproc {

TaskResponse ResponseTo(const TaskRequest& request, absl::Duration run_time) {
  TaskResponse response;
  response.set_task_id(request.task_id());
  response.set_result(request.call().arguments());
  response.set_run_time_ns(
      static_cast<uint64_t>(absl::ToInt64Nanoseconds(run_time)));
  return response;
}

std::string FrameOf(FrameType type, absl::string_view payload) {
  std::string frame = MakeFrameHeader(type, payload.size());
  frame.append(payload.data(), payload.size());
  return frame;
}

std::string FrameOf(FrameType type,
                    const google::protobuf::MessageLite& message) {
  return FrameOf(type, message.SerializeAsString());
}

// ---- The worker ----

ScriptedWorker::ScriptedWorker(int64_t pid, ScopedFileHandle requests,
                               ScopedFileHandle responses, SharedMemory memory,
                               ScopedFileHandle exit_event)
    : pid_(pid),
      memory_(std::move(memory)),
      gate_(&WorkerMemory::In(memory_)->gate),
      journal_(WorkerMemory::In(memory_)),
      requests_(std::move(requests), ScopedFileHandle(), kLargestMaxFrameBytes),
      responses_(std::move(responses)),
      exit_event_(std::move(exit_event)) {}

void ScriptedWorker::SayHello() {
  WorkerHello hello;
  hello.set_pid(pid_);
  Write(FrameOf(FrameType::kWorkerHello, hello));
}

std::optional<Frame> ScriptedWorker::NextFrame() {
  while (true) {
    const absl::StatusOr<std::optional<Frame>> frame = requests_.Next();
    if (!frame.ok()) return std::nullopt;
    if (frame->has_value()) return *frame;
    if (!WaitReadable(requests_.in(), kScriptPatience)) return std::nullopt;
    if (!requests_.Fill().ok()) return std::nullopt;
  }
}

std::optional<TaskRequest> ScriptedWorker::NextRequest() {
  std::optional<Frame> frame = NextFrame();
  while (frame.has_value() && frame->type == FrameType::kTakeBack) {
    gate_.Reopen();
    frame = NextFrame();
  }
  TaskRequest request;
  if (!frame.has_value() || frame->type != FrameType::kTaskRequest ||
      !request.ParseFromArray(frame->payload.data(),
                              static_cast<int>(frame->payload.size()))) {
    return std::nullopt;
  }
  if (request.attached()) {
    frame = NextFrame();
    if (!frame.has_value()) return std::nullopt;
    request.mutable_call()->set_arguments(std::string(frame->payload));
  }
  return request;
}

ScriptedWorker::Polled ScriptedWorker::Poll(TaskRequest* request) {
  absl::StatusOr<std::optional<Frame>> frame = requests_.Next();
  if (frame.ok() && !frame->has_value()) {
    if (!WaitReadable(requests_.in(), absl::ZeroDuration())) {
      return Polled::kNothing;
    }
    if (!requests_.Fill().ok()) return Polled::kEnd;
    frame = requests_.Next();
  }
  if (!frame.ok()) return Polled::kEnd;
  if (!frame->has_value()) return Polled::kNothing;
  if ((*frame)->type == FrameType::kTakeBack) return Polled::kTakeBack;
  return request->ParseFromArray((*frame)->payload.data(),
                                 static_cast<int>((*frame)->payload.size()))
             ? Polled::kRequest
             : Polled::kEnd;
}

std::optional<TaskRequest> ScriptedWorker::NextTask() {
  std::optional<TaskRequest> request = NextRequest();
  while (request.has_value() && !Begin()) request = NextRequest();
  return request;
}

void ScriptedWorker::Keep(const TaskResponse& response) {
  KeepBytes(FrameOf(FrameType::kTaskResponse, response));
}

void ScriptedWorker::KeepBytes(absl::string_view bytes) {
  if (journal_.Space(bytes.size()) == nullptr) WriteKept();
  std::copy(bytes.begin(), bytes.end(), journal_.Space(bytes.size()));
  journal_.Commit(bytes.size());
}

// Once the pool is gone, nobody reads any more: an error is none of the script.
void ScriptedWorker::WriteKept(size_t size) {
  const absl::string_view kept = journal_.unwritten().substr(0, size);
  WriteAll(responses_.get(), kept).IgnoreError();
  journal_.Written(kept.size());
}

void ScriptedWorker::Answer(const TaskResponse& response) {
  Keep(response);
  WriteKept();
}

void ScriptedWorker::AnswerGreat(const TaskRequest& request, size_t size) {
  TaskResponse response = ResponseTo(request);
  const std::string result = response.result();
  response.set_attached(true);
  Answer(response);
  const std::string frame = FrameOf(FrameType::kAttachment, result);
  Write(absl::string_view(frame).substr(0, size));
}

// What was kept goes first, and the journal is none of it.
void ScriptedWorker::Write(absl::string_view bytes) {
  WriteKept();
  WriteAll(responses_.get(), bytes).IgnoreError();
  journal_.Skip(bytes.size());
}

void ScriptedWorker::Serve() {
  SayHello();
  std::optional<TaskRequest> task = NextTask();
  while (task.has_value() && !killed()) {
    Answer(ResponseTo(*task));
    task = NextTask();
  }
  Exit(ExitStatus::Exited(0));
}

void ScriptedWorker::Exit(ExitStatus status) { End(status, /*by_kill=*/false); }

void ScriptedWorker::Kill() {
  std::function<void()> script;
  {
    absl::MutexLock lock(&mutex_);
    script.swap(before_kill_);
  }
  if (script != nullptr) script();
  End(ExitStatus::Signaled(kSigKill), /*by_kill=*/true);
}

void ScriptedWorker::End(ExitStatus status, bool by_kill) {
  absl::MutexLock lock(&mutex_);
  if (exit_status_.has_value()) return;
  exit_status_ = status;
  killed_ = by_kill;
  exit_event_.reset();
}

void ScriptedWorker::set_before_kill(std::function<void()> script) {
  absl::MutexLock lock(&mutex_);
  before_kill_ = std::move(script);
}

bool ScriptedWorker::WaitForKill() {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&killed_), kScriptPatience);
}

bool ScriptedWorker::killed() {
  absl::MutexLock lock(&mutex_);
  return killed_;
}

ExitStatus ScriptedWorker::Reap() {
  absl::MutexLock lock(&mutex_);
  reaped_ = true;
  return exit_status_.value_or(ExitStatus::Unknown());
}

bool ScriptedWorker::WaitForReap() {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&reaped_), kScriptPatience);
}

bool ScriptedWorker::reaped() {
  absl::MutexLock lock(&mutex_);
  return reaped_;
}

// ---- The executor ----

// The pool's handle of a worker.
class ScriptedWorker::Child : public ChildHandle {
 public:
  Child(std::shared_ptr<ScriptedWorker> worker, ScopedFileHandle exit_event)
      : worker_(std::move(worker)), exit_event_(std::move(exit_event)) {}

  int64_t pid() const override { return worker_->pid(); }
  FileHandle exit_event() const override { return exit_event_.get(); }
  absl::StatusOr<ExitStatus> Reap() override { return worker_->Reap(); }
  absl::Status Terminate() override { return Kill(); }
  absl::Status Kill() override {
    worker_->Kill();
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<ScriptedWorker> worker_;
  const ScopedFileHandle exit_event_;
};

absl::StatusOr<Process> ScriptedExecutor::Spawn(const Command& command) {
  const std::vector<FileHandle>& handles = command.inherited_handles;
  if (handles.size() != 3) {
    return absl::FailedPreconditionError("only a pool's workers are scripted");
  }
  absl::StatusOr<SharedMemory> memory =
      WorkerMemory::Open(Duplicate(handles[2]));
  if (!memory.ok()) return memory.status();
  {
    absl::MutexLock lock(&mutex_);
    if (!refusal_.ok()) {
      ++num_refused_;
      return refusal_;
    }
  }
  // A poller can watch such an end on Windows, too.
  absl::StatusOr<Pipe> exit_event = Pipe::Create(Pipe::NonBlocking::kReadEnd);
  if (!exit_event.ok()) return exit_event.status();
  absl::MutexLock lock(&mutex_);
  workers_.push_back(std::make_shared<ScriptedWorker>(
      static_cast<int64_t>(1001 + workers_.size()), Duplicate(handles[0]),
      Duplicate(handles[1]), *std::move(memory),
      std::move(exit_event->write_end)));
  return Process(std::make_unique<ScriptedWorker::Child>(
                     workers_.back(), std::move(exit_event->read_end)),
                 StdioEnds());
}

std::shared_ptr<ScriptedWorker> ScriptedExecutor::NextWorker() {
  absl::MutexLock lock(&mutex_);
  const auto has_next = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return next_ < workers_.size();
  };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&has_next), kScriptPatience)) {
    return nullptr;
  }
  return workers_[next_++];
}

void ScriptedExecutor::set_refusal(absl::Status refusal) {
  absl::MutexLock lock(&mutex_);
  refusal_ = std::move(refusal);
}

size_t ScriptedExecutor::num_refused() {
  absl::MutexLock lock(&mutex_);
  return num_refused_;
}

size_t ScriptedExecutor::num_started() {
  absl::MutexLock lock(&mutex_);
  return workers_.size();
}

}  // namespace multiproc
