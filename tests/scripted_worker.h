// A pool's worker without a process: a test holds its ends of the channel and
// of the shared memory, and does with them what it likes, when it likes. So
// races that real workers run into once in a million are scripts of a few
// lines, and a worker can be as wrong as a test wants it.
//
//   ScriptedExecutor executor;
//   options.executor = &executor;                   // of a ProcessPool
//   ... Create ...
//   std::shared_ptr<ScriptedWorker> worker = executor.NextWorker();
//   worker->SayHello();
//   Future<int64_t> future = pool->Submit(Same, 7);
//   std::optional<TaskRequest> task = worker->NextTask();     // begun
//   worker->Keep(ResponseTo(*task));                // in the journal only
//   worker->Exit(ExitStatus::Exited(3));            // future.Get() is 7
//
// No function is ever called: ResponseTo gives a task its arguments as its
// result, and so a test submits functions whose result is of the type of their
// only argument.
//
// Thread-safety: a worker's script is for one thread at a time; the pool may
// kill the worker meanwhile. A ScriptedExecutor is thread-safe.

#ifndef MULTIPROC_TESTS_SCRIPTED_WORKER_H_
#define MULTIPROC_TESTS_SCRIPTED_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"
#include "multiproc/executors/executor.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/process.h"
#include "multiproc/executors/shared_memory.h"
#include "multiproc/pool/answer_journal.h"
#include "multiproc/pool/frame_format.h"
#include "multiproc/pool/message_channel.h"
#include "multiproc/pool/task_gate.h"
#include "multiproc/pool/worker_memory.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// What is waited for longer than this does not come: the test is to fail then,
// and not to hang.
inline constexpr absl::Duration kScriptPatience = absl::Seconds(20);

// The result of `request` is its arguments; it ran for `run_time`.
TaskResponse ResponseTo(const TaskRequest& request,
                        absl::Duration run_time = absl::Microseconds(1));

// The bytes of a frame, complete.
std::string FrameOf(FrameType type, absl::string_view payload);
std::string FrameOf(FrameType type,
                    const google::protobuf::MessageLite& message);

class ScriptedWorker {
 public:
  // For ScriptedExecutor: `requests`, `responses` and `memory` are the worker's
  // ends, `exit_event` a pipe's end whose closing is its exit.
  ScriptedWorker(int64_t pid, ScopedFileHandle requests,
                 ScopedFileHandle responses, SharedMemory memory,
                 ScopedFileHandle exit_event);

  int64_t pid() const { return pid_; }

  // ---- What workers do (pool/serve_tasks.cc) ----

  void SayHello();

  // Waits for the next request, and returns it with its arguments, great or
  // not, in its call. A TakeBack before it reopens the gate. nullopt at the end
  // of the channel, or if nothing comes for kScriptPatience.
  std::optional<TaskRequest> NextRequest();

  // The next frame, if it has come: for a script that has other workers to look
  // after meanwhile. Of kTakeBack it must take note by Reopen.
  enum class Polled { kNothing, kRequest, kTakeBack, kEnd };
  Polled Poll(TaskRequest* request);
  void Reopen() { gate_.Reopen(); }

  // Passes the gate for the request that was read last; false, if it was taken
  // back.
  bool Begin() { return gate_.TryBegin(); }

  // The next request that the gate lets begin.
  std::optional<TaskRequest> NextTask();

  // Puts an answer into the journal, and not into the pipe ...
  void Keep(const TaskResponse& response);
  // ... and into the pipe what is in the journal, or `size` bytes of it.
  void WriteKept(size_t size = ~size_t{0});
  // Both.
  void Answer(const TaskResponse& response);

  // Answers `request` by an attachment, of which only the first `size` bytes
  // are written; by default all.
  void AnswerGreat(const TaskRequest& request, size_t size = ~size_t{0});

  // Says Hello and runs tasks, as a worker that is in order, until its channel
  // ends or it is killed; and exits.
  void Serve();

  // How many bytes of the journal are not in the pipe.
  size_t KeptBytes() const { return journal_.unwritten().size(); }

  // ---- What no worker should do ----

  // Puts any bytes into the journal; they must find room.
  void KeepBytes(absl::string_view bytes);

  // Writes any bytes to the response pipe.
  void Write(absl::string_view bytes);

  // The gate's word, the journal and its counts.
  WorkerMemory& memory() { return *WorkerMemory::In(memory_); }

  // Closes the response pipe.
  void CloseResponses() { responses_.reset(); }

  // ---- Its end ----

  // Exits, unless it was killed. What it has written stays in the pipe.
  void Exit(ExitStatus status);

  // What happens, on the thread that kills it, just before the kill arrives.
  // It may go on with the worker's script; so that is at rest from here on.
  void set_before_kill(std::function<void()> script);

  // Waits until it is killed; whether it is.
  bool WaitForKill();
  bool killed();

  // Waits until the pool has asked how it exited; whether it has.
  bool WaitForReap();
  bool reaped();

 private:
  class Child;
  friend class ScriptedExecutor;

  void End(ExitStatus status, bool by_kill);
  void Kill();
  ExitStatus Reap();

  // Reads until a frame is there; null if none comes.
  std::optional<Frame> NextFrame();

  const int64_t pid_;
  const SharedMemory memory_;
  TaskGate gate_;
  AnswerJournal journal_;
  // Only its receiving half.
  MessageChannel requests_;
  ScopedFileHandle responses_;

  absl::Mutex mutex_;
  ScopedFileHandle exit_event_ ABSL_GUARDED_BY(mutex_);
  std::optional<ExitStatus> exit_status_ ABSL_GUARDED_BY(mutex_);
  bool killed_ ABSL_GUARDED_BY(mutex_) = false;
  bool reaped_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> before_kill_ ABSL_GUARDED_BY(mutex_);
};

class ScriptedExecutor : public Executor {
 public:
  absl::string_view name() const override { return "scripted"; }

  // FAILED_PRECONDITION for all that is no worker.
  absl::StatusOr<Process> Spawn(const Command& command) override;

  // Waits for the next worker, in the order in which they are started; null if
  // none comes for kScriptPatience.
  std::shared_ptr<ScriptedWorker> NextWorker();

  // How many were started.
  size_t num_started();

  // From now on Spawn fails with `refusal`, if that is not OK.
  void set_refusal(absl::Status refusal);
  // How often it has.
  size_t num_refused();

 private:
  absl::Mutex mutex_;
  std::vector<std::shared_ptr<ScriptedWorker>> workers_ ABSL_GUARDED_BY(mutex_);
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status refusal_ ABSL_GUARDED_BY(mutex_);
  size_t num_refused_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_SCRIPTED_WORKER_H_
