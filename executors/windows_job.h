// The job objects of children. One is for all children of this process: however
// this process ends, Windows closes its only handle then, and ends them with
// all that they have started. Another is for each of them. Windows only.
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_JOB_H_
#define MULTIPROC_EXECUTORS_WINDOWS_JOB_H_

#include "absl/status/statusor.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/limits.h"

namespace multiproc {

// The job of this process, with JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE; made at the
// first call, and open until the end of the process. Jobs nest (Windows 8): a
// child's own is within this one.
absl::StatusOr<FileHandle> ChildrensJob();

// A job for one child, within the other, and for all that it starts. It does
// not end them when it is closed. It has those of `limits` that jobs know:
// memory_bytes, cpu_time and cpus. INVALID_ARGUMENT for CPUs that there aren't.
absl::StatusOr<ScopedFileHandle> MakeChildJob(const Limits& limits);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_JOB_H_
