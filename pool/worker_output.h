// A line that a worker of a pool has written (ProcessPoolOptions::on_output).
// A plain value.

#ifndef MULTIPROC_POOL_WORKER_OUTPUT_H_
#define MULTIPROC_POOL_WORKER_OUTPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace multiproc {

// A line, and who wrote it.
struct WorkerOutput {
  // A longer line comes in parts of this size, in bytes, and a last one.
  static constexpr size_t kMostLineBytes = size_t{64} << 10;

  // The standard stream that it was written to.
  enum class Stream { kStdout, kStderr };
  // Which of them.
  Stream stream = Stream::kStdout;

  // The pool's number for the worker, from 1 and never used again, and its
  // process's id, which the system does use again.
  uint64_t worker_id = 0;
  int64_t worker_pid = 0;

  // The task that ran when it was written, as in TaskFailure and
  // CurrentTask::id; 0 outside of tasks: in the initializer, say, or by a
  // thread or a program that a task has left behind. A chunk of Map is one
  // task.
  uint64_t task_id = 0;
  // That task's TaskOptions::label.
  std::string label;

  // Without its newline, otherwise byte for byte; what stands before the end
  // of a task is a line without one, too. On Windows the newline may be "\r\n",
  // as the C runtime writes it.
  std::string line;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_OUTPUT_H_
