// The parent's view of one worker: its process, its channel, and the tasks that
// are leased to it.
//
//   absl::StatusOr<std::unique_ptr<WorkerProcess>> worker =
//       WorkerProcess::Start(options, executor);
//   (*worker)->Lease(std::move(task));
//   (*worker)->Flush();
//   absl::Status status = (*worker)->Receive(max_bytes, on_answer);
//
// The rule that everything rests on: a worker answers in order and at once. So
// of the tasks leased to a worker that is gone, once its channel is drained,
// only the first can have been started; and none if it never said Hello.
//
// Not thread-safe: it belongs to the pool's owner thread.

#ifndef MULTIPROC_POOL_WORKER_PROCESS_H_
#define MULTIPROC_POOL_WORKER_PROCESS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/executors/executor.h"
#include "multiproc/executors/process.h"
#include "multiproc/pool/message_channel.h"
#include "multiproc/pool/task.h"
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
    // How long it may take to get ready, and stop in the middle of a frame.
    absl::Duration start_timeout = absl::InfiniteDuration();
    absl::Duration frame_timeout = absl::InfiniteDuration();
  };

  // Starts a worker by `executor`; errors as of Executor::Spawn.
  static absl::StatusOr<std::unique_ptr<WorkerProcess>> Start(
      const Options& options, Executor& executor);

  uint64_t id() const { return id_; }
  int64_t pid() const { return process_.pid(); }

  // Handles for the poller: answers can be received; requests can be sent (only
  // of interest if has_unsent); the process has ended.
  FileHandle responses() const { return channel_.in(); }
  FileHandle requests() const { return channel_.out(); }
  FileHandle exit_event() const { return process_.exit_event(); }
  bool has_unsent() const { return channel_.has_unsent(); }

  // Whether it has said Hello.
  bool ready() const { return ready_; }
  // Whether it will take tasks: neither told to leave, nor killed.
  bool usable() const { return usable_; }
  // Whether it takes tasks now.
  bool takes_tasks() const { return usable_ && (ready_ || eager_); }
  // Whether it was told to leave.
  bool dismissed() const { return dismissed_; }
  size_t num_leases() const { return leases_.size(); }
  // Whether it has ever had a task, and answered one.
  bool ever_leased() const { return ever_leased_; }
  bool ever_answered() const { return ever_answered_; }

  // Takes charge of `task` and queues its request; Flush sends it.
  void Lease(std::unique_ptr<Task> task);

  // Sends what is queued, as far as it goes without waiting.
  void Flush();

  // Reads up to `max_bytes` of what has come, and calls `on_answer` for each
  // answer. OK if the worker may go on; OUT_OF_RANGE at the end of its channel,
  // DATA_LOSS or RESOURCE_EXHAUSTED if it does not keep to the protocol:
  // nothing that comes after is believed then, and every further call says the
  // same.
  using AnswerCallback =
      std::function<void(std::unique_ptr<Task>, TaskResponse)>;
  absl::Status Receive(size_t max_bytes, const AnswerCallback& on_answer);

  // When the task at the head of the leases must be done, the worker ready, the
  // process gone, or a frame go on (MonotonicNow); InfiniteFuture if there is
  // nothing to wait for.
  absl::Time deadline() const {
    return (std::min)(deadline_, frame_deadline());
  }
  // The last of these alone.
  absl::Time frame_deadline() const {
    return usable_ ? frame_deadline_ : absl::InfiniteFuture();
  }

  // Lets the worker, which has no leases, leave: it finds the end of its
  // channel, and has `exit_timeout` to end.
  void Dismiss(absl::Duration exit_timeout);

  // Gives the worker, whose channel is at its end, `grace` to end by itself: it
  // is about to, and its own exit code tells more than a kill.
  void AwaitExit(absl::Duration grace);
  bool awaiting_exit() const { return awaiting_exit_; }

  // Kills the process. `reason` is what becomes of the task at the head; OK for
  // nothing but that its worker died. The first reason is kept.
  void Kill(absl::Status reason);
  const absl::Status& kill_reason() const { return kill_reason_; }

  // How the process ended; to be called after its exit event.
  ExitStatus Reap();

  // The leases, the first of them at the front.
  std::deque<std::unique_ptr<Task>>& leases() { return leases_; }

 private:
  WorkerProcess(const Options& options, Process process,
                MessageChannel channel);

  absl::Status ReceiveFrames(size_t max_bytes, const AnswerCallback& on_answer);
  absl::Status HandleFrames(const AnswerCallback& on_answer);
  absl::Status HandleFrame(const Frame& frame, const AnswerCallback& on_answer);
  absl::Status HandleResponse(const Frame& frame,
                              const AnswerCallback& on_answer);

  // Starts the clock of the task at the head.
  void StartClock();

  const uint64_t id_;
  const bool eager_;
  const absl::Duration frame_timeout_;
  Process process_;
  MessageChannel channel_;
  bool ready_ = false;
  bool usable_ = true;
  bool dismissed_ = false;
  bool awaiting_exit_ = false;
  bool ever_leased_ = false;
  bool ever_answered_ = false;
  absl::Time deadline_;
  absl::Time frame_deadline_ = absl::InfiniteFuture();
  absl::Status kill_reason_;
  absl::Status receive_error_;
  std::deque<std::unique_ptr<Task>> leases_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_PROCESS_H_
