// The worker's side of a pool: the loop that a child process runs.
//
//   the initializer, if there is one;  Hello;  then for each request: run it,
//   answer it;  at the end of the channel: the finalizer, if the parent has
//   dismissed the worker;  leave.
//
// POSIX and Windows alike; the parent's side is worker_process.h.

#ifndef MULTIPROC_POOL_SERVE_TASKS_H_
#define MULTIPROC_POOL_SERVE_TASKS_H_

#include "absl/status/status.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/shared_memory.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// Serves the tasks that come from `requests`, in order and as far as the gate
// in `memory` (a WorkerMemory) lets it. Each answer is in the journal there
// before the next task begins, and in `responses` a moment later. Returns OK
// once `requests` is at its end between two tasks; if that happens during a
// task, the process ends there and then: nobody wants the answer, and no orphan
// outlives its parent. DATA_LOSS and others if the parent's frames can't be
// read. To be called once in a process, which keeps the handles until it ends.
//
// After each task what it printed to stdout is flushed; if the parent captures
// output, it is marked as the task's (output_marker.h).
absl::Status ServeTasks(const WorkerConfig& config, ScopedFileHandle requests,
                        ScopedFileHandle responses, SharedMemory memory);

// The same where nobody needs to watch for the parent's end, since the caller
// is the parent: returns at the end of `requests` or at the first error, and
// has closed the handles then. For tests of what is served, any number of times
// in a process, one at a time.
absl::Status ServeTasksOfSelf(const WorkerConfig& config,
                              ScopedFileHandle requests,
                              ScopedFileHandle responses, SharedMemory memory);

// The registered function that a pool starts its workers with: ServeTasks on
// the three handles that the child inherits: requests, responses, memory.
// FAILED_PRECONDITION for a parent of another layout, or without the handles.
absl::Status ServePool(const WorkerConfig& config);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_SERVE_TASKS_H_
