// What a parent makes of a worker that says and does anything, by pipe and by
// the memory that both share: each task that it was leased is answered, taken
// back or left at its end, and never two of these; and after the first thing
// that is wrong nothing is believed any more.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/packed_bytes.h"
#include "multiproc/pool/pool_stats.h"
#include "multiproc/pool/task.h"
#include "multiproc/pool/worker_process.h"
#include "multiproc/proto/task.pb.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/scripted_worker.h"

namespace multiproc {
namespace {

// Never called: the input answers in its place.
std::string Same(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Same);

constexpr size_t kMaxFrameBytes = 100000;
// What a worker may write to its pipe before somebody reads it.
constexpr size_t kMostUnread = 30000;

class Parent {
 public:
  explicit Parent(FuzzInput& in) : heap_(HeapBytes()), in_(in) {
    WorkerProcess::Options options;
    options.config.set_max_frame_bytes(kMaxFrameBytes);
    const uint8_t what = in.Byte();
    options.eager = what & 1;
    options.spare = what & 2;
    options.max_tasks = what & 4 ? 3 : 0;
    if (what & 8) options.frame_timeout = absl::Hours(1);
    process_ = *WorkerProcess::Start(options, executor_);
    worker_ = executor_.NextWorker();
  }

  // Up to the end of the input, and then that of the worker.
  void Run() {
    while (!in_.empty()) {
      if (in_.Byte() % 2 == 0) {
        StepOfWorker();
      } else {
        StepOfParent();
      }
      CheckState();
    }
    worker_->CloseResponses();
    worker_->Exit(ExitStatus::Exited(0));
    process_->ReceiveRest(~size_t{0}, Recorder()).IgnoreError();
    CheckState();
    CheckOutcomes();
  }

 private:
  // ---- The worker ----

  void StepOfWorker() {
    switch (in_.Byte() % 10) {
      case 0:
        return Write(FrameOf(FrameType::kWorkerHello, WorkerHello()));
      case 1:
        return Write(in_.Piece());
      case 2:
        return Write(FrameOf(RandomType(), in_.Piece()));
      case 3:
        return Keep(FrameOf(FrameType::kTaskResponse, RandomResponse()));
      case 4:
        return Write(FrameOf(FrameType::kTaskResponse, RandomResponse()));
      case 5:
        return Write(FrameOf(FrameType::kTaskProgress, RandomProgress()));
      case 6:
        return Keep(in_.Piece());
      case 7:
        return WriteKept(in_.Byte());
      case 8:
        worker_->memory().gate.fetch_add(1);
        return;
      default:
        return WriteToMemory();
    }
  }

  FrameType RandomType() { return static_cast<FrameType>(1 + in_.Byte() % 6); }

  // Mostly the task that is due.
  uint64_t RandomId() {
    const uint8_t id = in_.Byte();
    if (id >= 16 && !process_->leases().empty()) {
      return process_->leases().front()->id;
    }
    return id;
  }

  TaskResponse RandomResponse() {
    TaskResponse response;
    response.set_task_id(RandomId());
    const uint8_t what = in_.Byte();
    switch (what % 4) {
      case 0:
        break;
      case 1:
        response.set_attached(true);
        break;
      case 2:
        response.mutable_error()->ParseFromString(std::string(in_.Piece()));
        break;
      default:
        response.set_result(std::string(in_.Piece()));
    }
    response.set_leaving(what >= 0xf0);
    return response;
  }

  TaskProgress RandomProgress() {
    TaskProgress progress;
    progress.set_task_id(RandomId());
    progress.set_message(std::string(in_.Piece()));
    return progress;
  }

  bool HasRoom(size_t size) { return unread_ + size <= kMostUnread; }

  // What was kept goes with it.
  void Write(absl::string_view bytes) {
    const size_t size = worker_->KeptBytes() + bytes.size();
    if (!HasRoom(size)) return;
    unread_ += size;
    worker_->Write(bytes);
    said_ += bytes.size();
  }
  void WriteKept(size_t size) {
    size = std::min(size, worker_->KeptBytes());
    if (!HasRoom(size)) return;
    unread_ += size;
    worker_->WriteKept(size);
  }
  // A full journal is written first.
  void Keep(absl::string_view bytes) {
    const size_t kept = worker_->KeptBytes();
    if (!HasRoom(kept + bytes.size())) return;
    worker_->KeepBytes(bytes);
    if (worker_->KeptBytes() == bytes.size()) unread_ += kept;
    said_ += bytes.size();
  }

  void WriteToMemory() {
    WorkerMemory& memory = worker_->memory();
    std::atomic<uint64_t>* const words[] = {&memory.gate, &memory.journal_begin,
                                            &memory.journal_end};
    std::atomic<uint64_t>& word = *words[in_.Byte() % 3];
    const uint8_t what = in_.Byte();
    word = what < 0x80 ? word + what - 0x40 : in_.Number(~uint64_t{0});
    // The journal may bring up to all of it, again and again.
    said_ += WorkerMemory::kJournalBytes;
  }

  // ---- The parent ----

  void StepOfParent() {
    switch (in_.Byte() % 8) {
      case 0:
      case 1:
        return Lease();
      case 2:
        return Receive(~size_t{0});
      case 3:
        return Receive(in_.Byte());
      case 4:
        return ReceiveBy(
            [&] { return process_->ReceiveUnwritten(Recorder()); });
      case 5:
        return TakeBack();
      case 6:
        return process_->Flush();
      default:
        return Decide();
    }
  }

  // As the pool does: only to a worker that takes them.
  void Lease() {
    process_->Enlist();
    if (!process_->takes_tasks() || next_id_ > 20) return;
    const uint8_t what = in_.Byte();
    auto task = std::make_shared<Task>(nullptr);
    const size_t size = what & 1 ? kAttachmentBytes : 10;
    task->SetCall(*PackCall(Same, std::string(size, 'x')), 1 + what / 2 % 2);
    task->id = next_id_++;
    if (what & 4) task->timeout = absl::Hours(1);
    if (what & 8) task->rare().label = "label";
    task->wants_progress = what & 16;
    process_->Lease(std::move(task));
  }

  void Receive(size_t max_bytes) {
    ReceiveBy([&] { return process_->Receive(max_bytes, Recorder()); });
  }

  // An error is for ever. (One from the end of the pipe alone is not, but that
  // is not closed yet.)
  template <typename Function>
  void ReceiveBy(Function receive) {
    const size_t answered = answered_.size();
    const absl::Status status = receive();
    if (!error_.ok()) {
      FUZZ_CHECK(status == error_);
      FUZZ_CHECK(answered_.size() == answered);
    }
    FUZZ_CHECK(status.ok() || absl::IsDataLoss(status) ||
               absl::IsResourceExhausted(status));
    error_ = status;
    if (status.ok() &&
        !WaitReadable(process_->responses(), absl::ZeroDuration())) {
      unread_ = 0;
    }
  }

  void TakeBack() {
    const size_t before = process_->num_leases();
    absl::StatusOr<std::vector<TaskPtr>> tasks = process_->TakeBack();
    if (!tasks.ok()) {
      FUZZ_CHECK(absl::IsDataLoss(tasks.status()));
      FUZZ_CHECK(process_->num_leases() == before);
      return;
    }
    for (const TaskPtr& task : *tasks) {
      FUZZ_CHECK(outcomes_.insert(task->id).second);
    }
  }

  void Decide() {
    const uint8_t what = in_.Byte();
    if (process_->leases().empty()) {
      if (what == 1) process_->Dismiss(absl::Hours(1));
      return;
    }
    Task& task = *process_->leases().back();
    switch (what % 8) {
      case 0:
        if (process_->NumBegun() == process_->leases().size()) {
          process_->Cancel(task, absl::Hours(1));
        }
        return;
      case 1:
        return process_->Listen(task);
      case 2:
        return process_->Leave(&WorkerEnds::resized);
      case 3:
        if (what < 0x40) process_->KillForTask(task.id, absl::CancelledError());
        return;
      case 4:
        if (what < 0x40) process_->AwaitExit(absl::Hours(1));
        return;
      default:
        return;
    }
  }

  // ---- What is to hold ----

  WorkerProcess::AnswerCallback Recorder() {
    return
        [this](TaskPtr task, TaskResponse& response, PackedBytes attachment) {
          FUZZ_CHECK(task->id == response.task_id());
          FUZZ_CHECK(task->worker == nullptr);
          FUZZ_CHECK(outcomes_.insert(task->id).second);
          // In order: what is leased later is answered later.
          FUZZ_CHECK(answered_.empty() || answered_.back() < task->id);
          answered_.push_back(task->id);
          FUZZ_CHECK(response.attached() == attachment.is_valid());
          FUZZ_CHECK(attachment.view().size() <= kMaxFrameBytes);
        };
  }

  void CheckState() {
    FUZZ_CHECK(process_->NumBegun() <= process_->num_leases());
    process_->deadline();
    process_->leave_at();
    // What was said and leased, what is queued, and the pieces of memory that
    // are kept for attachments.
    FUZZ_CHECK(HeapBytes() <= heap_ + 8 * said_ +
                                  next_id_ * 4 * kAttachmentBytes +
                                  3 * kMaxFrameBytes + (size_t{1} << 20));
  }

  void CheckOutcomes() {
    for (const TaskPtr& task : process_->leases()) {
      FUZZ_CHECK(outcomes_.insert(task->id).second);
      FUZZ_CHECK(task->worker == process_.get());
    }
    FUZZ_CHECK(outcomes_.size() == next_id_ - 1);
  }

  const size_t heap_;
  FuzzInput& in_;
  ScriptedExecutor executor_;
  std::unique_ptr<WorkerProcess> process_;
  std::shared_ptr<ScriptedWorker> worker_;
  uint64_t next_id_ = 1;
  size_t unread_ = 0;
  size_t said_ = 0;
  absl::Status error_;
  // Of whom an outcome is known: answered, taken back, or left at the end.
  std::set<uint64_t> outcomes_;
  std::vector<uint64_t> answered_;
};

}  // namespace
}  // namespace multiproc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  multiproc::FuzzInput in(data, size);
  multiproc::Parent(in).Run();
  return 0;
}
