// The parent's view of one worker: its process, its channel, and the tasks that
// are leased to it.
//
//   absl::StatusOr<std::unique_ptr<WorkerProcess>> worker =
//       WorkerProcess::Start(options, executor);
//   (*worker)->Lease(std::move(task));
//   (*worker)->Flush();
//   absl::Status status = (*worker)->Receive(max_bytes, on_answer);
//
// The rules that everything rests on: a worker answers in order, has each
// answer in the journal (answer_journal.h) before it goes on, and counts a task
// as begun (task_gate.h) before it runs it. So of the tasks leased to a worker
// that is gone, once pipe and journal are read, only the first can have been
// started, and the gate says whether it was.
//
// Not thread-safe: it belongs to whoever has the pool's loop.

#ifndef MULTIPROC_POOL_WORKER_PROCESS_H_
#define MULTIPROC_POOL_WORKER_PROCESS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/executors/executor.h"
#include "multiproc/executors/limits.h"
#include "multiproc/executors/process.h"
#include "multiproc/executors/shared_memory.h"
#include "multiproc/pool/answer_journal.h"
#include "multiproc/pool/answer_wait.h"
#include "multiproc/pool/message_channel.h"
#include "multiproc/pool/output_relay.h"
#include "multiproc/pool/pool_stats.h"
#include "multiproc/pool/task.h"
#include "multiproc/pool/task_gate.h"
#include "multiproc/pool/worker_capture.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

class WorkerProcess {
 public:
  struct Options {
    // The pool's number for it, never used twice.
    uint64_t id = 0;
    WorkerConfig config;
    // Whether it takes tasks before it is ready.
    bool eager = false;
    // Whether it is kept for later.
    bool spare = false;
    // How long it may take to get ready, and stop in the middle of a frame.
    absl::Duration start_timeout = absl::InfiniteDuration();
    absl::Duration frame_timeout = absl::InfiniteDuration();
    // After how many tasks it leaves, or 0; how old, from Hello on, it may be;
    // and how long idle before it may leave.
    uint32_t max_tasks = 0;
    absl::Duration max_age = absl::InfiniteDuration();
    absl::Duration idle_timeout = absl::InfiniteDuration();
    // Where the lines go that it writes; null to leave its streams alone.
    std::shared_ptr<OutputRelay> output;
    // Command::function_program; and as Command's of the same names.
    std::string program;
    std::map<std::string, std::optional<std::string>> environment;
    Limits limits;
  };

  // Starts a worker by `executor`; errors as of Executor::Spawn.
  static absl::StatusOr<std::unique_ptr<WorkerProcess>> Start(
      const Options& options, Executor& executor);

  uint64_t id() const { return id_; }
  int64_t pid() const { return process_.pid(); }
  // When it was started (MonotonicNow).
  absl::Time started_at() const { return started_at_; }

  // Handles for the poller: answers can be received; requests can be sent (only
  // of interest if has_unsent); the process has ended.
  FileHandle responses() const { return channel_.in(); }
  FileHandle requests() const { return channel_.out(); }
  FileHandle exit_event() const { return process_.exit_event(); }
  bool has_unsent() const { return channel_.has_unsent(); }
  // Its stdout and stderr, or null if they are not captured.
  WorkerCapture* capture() const { return capture_.get(); }
  // How many bytes of requests are queued.
  size_t queued_bytes() const { return channel_.queue_size(); }
  // How many bytes went to it and came from it in all.
  size_t sent_bytes() const { return channel_.sent_bytes(); }
  size_t received_bytes() const { return channel_.received_bytes(); }

  // Whether it has said Hello.
  bool ready() const { return ready_; }
  // Whether it will take tasks: neither told to leave, nor killed.
  bool usable() const { return usable_; }
  // Whether it is a worker of the pool, and is to remain one for now; and
  // whether tasks may be given to it by its number.
  bool staying() const { return usable_ && !leaving_ && !spare_; }
  bool addressable() const { return staying() && !wants_to_leave_; }
  // Whether it takes tasks of the queue now.
  bool takes_tasks() const {
    return staying() && (ready_ || eager_) && TasksLeft() > 0;
  }
  // Whether it is kept for later, and has no tasks until then; and the end of
  // that time.
  bool spare() const { return spare_; }
  void Enlist();
  // How many more tasks it may be leased.
  size_t TasksLeft() const;
  // What its initializer said, if that was an error: it never gets ready then.
  const absl::Status& start_error() const { return start_error_; }
  // Whether it was told to leave.
  bool dismissed() const { return dismissed_; }
  size_t num_leases() const { return leases_.size(); }
  // Since when those behind the task at the head wait for it, or it is idle
  // (MonotonicNow); and from `now` on again.
  absl::Time patient_since() const { return patient_since_; }
  void RestartPatience(absl::Time now);
  // Whether it has ever had a task, and answered one.
  bool ever_leased() const { return ever_leased_; }
  bool ever_answered() const { return ever_answered_; }
  // How many tasks it has answered.
  uint64_t num_answered() const { return num_answered_; }

  // Takes charge of `task` and queues its request; Flush sends it.
  void Lease(TaskPtr task);

  // Tasks that only this worker may run, and that wait to be leased to it: put
  // behind the others, or, if it had been leased already, before them; taken
  // out again, if it is there; the first of them.
  void Pin(TaskPtr task);
  void PinAgain(std::vector<TaskPtr> tasks);
  bool Unpin(const Task& task);
  bool has_pinned() const { return !pinned_.empty(); }
  size_t num_pinned() const { return pinned_.size(); }
  TaskPtr TakePinned();

  // Whether it has something behind its head that others may run.
  bool HasForOthers() const;

  // Whether `task` is leased to it, and can't have been begun.
  bool IsUnbegunLease(const Task& task) const;

  // Asks `task`, which it has begun, to end (CurrentTask::cancelled), within
  // `grace`: that is a deadline of its own.
  void Cancel(Task& task, absl::Duration grace);

  // Lets `task`, which is leased to it, send its progress.
  void Listen(const Task& task);

  // Gives back the leases that the worker has not begun, which it will not run
  // any more: at once, and although it may be busy. From then on it waits for
  // no others, taken_back(), until it has answered the one that it runs.
  // DATA_LOSS if what it says to have begun can't be.
  absl::StatusOr<std::vector<TaskPtr>> TakeBack();
  bool taken_back() const { return taken_back_; }

  // How many of the leases have been begun, from the head: one at most of a
  // worker that is gone and whose channel is drained.
  size_t NumBegun() const;

  // Sends what is queued, as far as it goes without waiting.
  void Flush();

  // Reads up to `max_bytes` of what has come, and calls `on_answer` for each
  // answer. OK if the worker may go on; OUT_OF_RANGE at the end of its channel,
  // DATA_LOSS or RESOURCE_EXHAUSTED if it does not keep to the protocol:
  // nothing that comes after is believed then, and every further call says the
  // same.
  // `attachment` is the result if the response says so.
  using AnswerCallback = std::function<void(TaskPtr, TaskResponse& response,
                                            PackedBytes attachment)>;
  absl::Status Receive(size_t max_bytes, const AnswerCallback& on_answer);

  // The same for what it has answered, be it in the pipe yet or not.
  absl::Status ReceiveSoonest(size_t max_bytes,
                              const AnswerCallback& on_answer);
  // Whether so much of that is still to come by the pipe that the pipe may be
  // full of it: it is to be read, though it is known.
  bool has_much_to_write() const {
    return channel_.known_bytes() >= kMostKnownBytes;
  }
  // Whether there is more of that than the first `position` bytes of all that
  // it sends, received_bytes() of some moment: for any thread.
  bool HasSentFrom(uint64_t position) const {
    return journal_.HasFrom(position);
  }

  // The same for all that is left of a worker that is gone.
  absl::Status ReceiveRest(size_t max_bytes, const AnswerCallback& on_answer);

  // The same for what it has answered and not written to the pipe yet: of use
  // when it runs a long task now.
  absl::Status ReceiveUnwritten(const AnswerCallback& on_answer);
  // Whether nothing more can be found that way before its next answer.
  bool looked_for_unwritten() const { return looked_for_unwritten_; }

  // When the task at the head of the leases must be done (or, if its answer is
  // coming by then, when that must be here), the worker ready, the process
  // gone, or a frame go on (MonotonicNow); InfiniteFuture if there is nothing
  // to wait for.
  absl::Time deadline() const {
    return (std::min)(deadline_, frame_deadline());
  }
  // The last of these alone.
  absl::Time frame_deadline() const {
    return usable_ ? frame_deadline_ : absl::InfiniteFuture();
  }

  // Whether it has nothing to do, and nothing waits for it.
  bool idle() const { return leases_.empty() && pinned_.empty(); }

  // When something is to be done about its leaving (MonotonicNow): it wants to,
  // has had all its tasks or is leaving, and has no leases; is too old; or was
  // idle for too long. InfiniteFuture for nothing.
  absl::Time leave_at() const;
  // It gets no more tasks, and is to be dismissed when it has none. The first
  // reason, of those and MarkStale's, is kept.
  void Leave(WorkerEnd reason) {
    leaving_ = true;
    if (leave_reason_ == nullptr) leave_reason_ = reason;
  }
  bool leaving() const { return leaving_; }
  // Null if there is none.
  WorkerEnd leave_reason() const { return leave_reason_; }
  // It is to be replaced when its turn comes.
  void MarkStale(WorkerEnd reason) {
    stale_ = true;
    if (leave_reason_ == nullptr) leave_reason_ = reason;
  }
  bool stale() const { return stale_; }
  bool too_old(absl::Time now) const { return !stale_ && too_old_at_ <= now; }
  // It has said that it begins nothing more.
  bool wants_to_leave() const { return wants_to_leave_; }
  // Because somebody sent it SIGTERM, as far as it says so.
  bool was_terminated() const { return was_terminated_; }

  // Lets the worker, which has no leases, leave: it finds the end of its
  // channel, and has `exit_timeout` to end.
  void Dismiss(absl::Duration exit_timeout);
  // Whether it has that time still; of one that was no spare.
  bool on_its_way_out() const { return dismissed_ && !killed_ && !spare_; }

  // Gives the worker, whose channel is at its end, `grace` to end by itself: it
  // is about to, and its own exit code tells more than a kill.
  void AwaitExit(absl::Duration grace);
  bool awaiting_exit() const { return awaiting_exit_; }

  // Kills the process. `reason` is what becomes of the task at the head; OK for
  // nothing but that its worker died. The first reason is kept.
  void Kill(absl::Status reason);
  const absl::Status& kill_reason() const { return kill_reason_; }
  bool killed() const { return killed_; }

  // The same for what one task did. It may have ended in the meantime, and the
  // next one begun, which is not to blame.
  void KillForTask(uint64_t task_id, absl::Status reason);
  bool killed_for_task() const { return killed_for_task_.has_value(); }
  bool WasKilledFor(const Task& task) const;

  // How the process ended; to be called after its exit event.
  ExitStatus Reap();

  // The leases, the first of them at the front.
  std::deque<TaskPtr>& leases() { return leases_; }
  const std::deque<TaskPtr>& leases() const { return leases_; }

  // Who waits for its answers instead of the poller, or null.
  AnswerWait* claim() const { return claim_; }
  void set_claim(AnswerWait* claim) { claim_ = claim; }

 private:
  // As much may be in the pipe that has been read in the journal.
  static constexpr size_t kMostKnownBytes = 4096;

  WorkerProcess(const Options& options, Process process, MessageChannel channel,
                SharedMemory memory, std::unique_ptr<WorkerCapture> capture);

  // What Receive does, by `receive`.
  absl::Status Account(const std::function<absl::Status()>& receive);
  // Until as much is read, or all that has come, which a second read tells for
  // sure.
  absl::Status ReceiveFrames(size_t max_bytes, bool to_the_end,
                             const AnswerCallback& on_answer);
  absl::Status HandleFrames(const AnswerCallback& on_answer);
  absl::Status HandleFrame(const Frame& frame, const AnswerCallback& on_answer);
  absl::Status HandleHello(const Frame& frame);
  absl::Status HandleProgress(const Frame& frame);
  absl::Status HandleResponse(const Frame& frame,
                              const AnswerCallback& on_answer);
  void Answer(PackedBytes attachment, const AnswerCallback& on_answer);
  // How many of the leases are begun if so many tasks are in all; nullopt if
  // that can't be.
  std::optional<size_t> BegunOfLeases(uint32_t begun) const;

  // Starts the clock of the task at the head.
  void StartClock();
  void SetDeadline();
  // What of `task` is in request_ only if it has it.
  void FillExtras(Task& task);
  // Gives it as long as a frame may stop, now that its answer begins to come.
  void AwaitAnswer();

  const uint64_t id_;
  const bool eager_;
  bool spare_;
  const absl::Duration frame_timeout_;
  const uint32_t max_tasks_;
  const absl::Duration max_age_;
  const absl::Duration idle_timeout_;
  const absl::Time started_at_;
  Process process_;
  MessageChannel channel_;
  SharedMemory memory_;
  TaskGate gate_;
  const AnswerJournal journal_;
  const std::unique_ptr<WorkerCapture> capture_;
  AnswerWait* claim_ = nullptr;
  bool ready_ = false;
  bool usable_ = true;
  bool dismissed_ = false;
  bool awaiting_exit_ = false;
  bool ever_leased_ = false;
  bool ever_answered_ = false;
  bool taken_back_ = false;
  bool leaving_ = false;
  bool stale_ = false;
  bool wants_to_leave_ = false;
  bool was_terminated_ = false;
  bool killed_ = false;
  bool looked_for_unwritten_ = false;
  uint32_t begun_at_last_look_ = 0;
  // Responses so far; the gate counts modulo 2^32.
  uint64_t num_answered_ = 0;
  WorkerEnd leave_reason_ = nullptr;
  // Since when the task at the head may have been running.
  absl::Time head_since_;
  absl::Time patient_since_;
  absl::Time too_old_at_ = absl::InfiniteFuture();
  absl::Time deadline_;
  absl::Time frame_deadline_ = absl::InfiniteFuture();
  // What was received when that was last set.
  size_t frame_mark_ = 0;
  uint64_t num_frames_ = 0;
  absl::Status start_error_;
  absl::Status kill_reason_;
  std::optional<uint64_t> killed_for_task_;
  absl::Status receive_error_;
  std::deque<TaskPtr> leases_;
  std::deque<TaskPtr> pinned_;
  // One message is used for all, and its memory is kept.
  TaskRequest request_;
  // The last response; its attachment is still to come.
  TaskResponse response_;
  bool attachment_is_due_ = false;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_PROCESS_H_
