// What a task may ask of the pool that runs it: whether it is still wanted, how
// much time it has, and to tell how far it is.
//
//   absl::StatusOr<double> Solve(int n) {
//     const CurrentTask task;
//     for (int i = 0; i < n; ++i) {
//       if (task.cancelled()) return absl::CancelledError("stopped");
//       task.ReportProgress(absl::StrCat(i, " of ", n));
//       ...
//     }
//   }
//
// A worker runs one task at a time. Outside of a task all of it is valid, too:
// there is nobody who would cancel, and nobody who listens.
//
// A CurrentTask is made on the thread that runs the task, and may be copied to
// others. Thread-safe, but for ReportProgress.

#ifndef MULTIPROC_POOL_CURRENT_TASK_H_
#define MULTIPROC_POOL_CURRENT_TASK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/functions/codec.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// What a function asks about the task that it is.
class CurrentTask {
 public:
  // The task that the calling thread runs.
  CurrentTask();

  // Whether there is one: false outside of tasks, and on threads that a task
  // has started.
  bool valid() const { return id_ != 0; }

  // Whether the task had better end: Future::Cancel was called,
  // TaskOptions::soft_timeout has passed, or the task has ended. It takes some
  // nanoseconds, or some 50 with a soft timeout. What the task then returns is
  // its outcome, but for an error after Cancel (Future::Cancel).
  bool cancelled() const;

  // When the soft timeout ends, or without one TaskOptions::timeout, at which
  // the worker is killed (absl::Now); InfiniteFuture if there is neither. And
  // how long it is until then; negative once it has passed.
  absl::Time deadline() const;
  absl::Duration time_left() const;

  // The pool's number for the task, as in TaskFailure; 0 if there is none. From
  // 1, which attempt this is. TaskOptions::label, valid until the task ends.
  uint64_t id() const { return id_; }
  int attempt() const { return attempt_; }
  absl::string_view label() const { return label_; }

  // Sends `bytes` to those who listen (Future::OnProgress): each message, in
  // order, before the outcome. Up to 32 KiB. Takes a system call, and waits for
  // nothing but room in a pipe that the parent empties at once. Returns whether
  // it was sent: false if nobody listens (then it costs nothing), if it is too
  // long, or on another thread than the task's.
  bool ReportProgress(absl::string_view bytes) const;

  // The same for any type that has a Codec, as Future::OnProgress<T> has it.
  template <typename T,
            std::enable_if_t<
                !std::is_convertible_v<const T&, absl::string_view>, int> = 0>
  bool ReportProgress(const T& value) const {
    if (!HasListener()) return false;
    std::string bytes;
    return EncodeValues(&bytes, value).ok() && ReportProgress(bytes);
  }

 private:
  bool HasListener() const;

  uint64_t id_ = 0;
  int attempt_ = 1;
  absl::string_view label_;
  // By MonotonicNow.
  absl::Time soft_deadline_ = absl::InfiniteFuture();
  absl::Time deadline_ = absl::InfiniteFuture();
};

namespace current_task_internal {

// The worker's side: what it knows of the task that it runs. One for each
// process, on whose thread tasks run.
struct Running {
  // Of WorkerMemory: the task that is to end, and those that have listeners
  // which they did not have when they were sent.
  const std::atomic<uint64_t>* notice = nullptr;
  const std::atomic<uint64_t>* listened = nullptr;
  // Sends a message to the parent.
  std::function<bool(absl::string_view bytes)> report;
  // Of the process that runs the task, and not of its forks.
  int64_t pid = 0;

  // The task, and when it began (MonotonicNow). The request is valid while the
  // id is not 0.
  std::atomic<uint64_t> id{0};
  const TaskRequest* request = nullptr;
  absl::Time begin;
};

// To be called on the thread that runs tasks. Never destroyed.
Running& Start();

}  // namespace current_task_internal
}  // namespace multiproc

#endif  // MULTIPROC_POOL_CURRENT_TASK_H_
