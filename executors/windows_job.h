// The job object that all children of this process are in: however this process
// ends, Windows closes its only handle then, and ends them with all that they
// have started. Windows only.
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_JOB_H_
#define MULTIPROC_EXECUTORS_WINDOWS_JOB_H_

#include "absl/status/statusor.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

// The job of this process, with JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE; made at the
// first call, and open until the end of the process. Jobs nest (Windows 8): a
// child's own is within this one.
absl::StatusOr<FileHandle> ChildrensJob();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_JOB_H_
