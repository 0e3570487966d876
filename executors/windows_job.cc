#include "multiproc/executors/windows_job.h"

#include "absl/synchronization/mutex.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_error.h"

namespace multiproc {
namespace {

// Not inheritable: a child that had a handle of it would keep it open.
absl::StatusOr<FileHandle> MakeJob() {
  const HANDLE job = CreateJobObjectW(nullptr, nullptr);
  if (job == nullptr) {
    return WindowsError("CreateJobObject", "", GetLastError());
  }
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {};
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
  if (SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits,
                              sizeof(limits)) == 0) {
    absl::Status status =
        WindowsError("SetInformationJobObject", "", GetLastError());
    CloseHandle(job);
    return status;
  }
  return job;
}

}  // namespace

absl::StatusOr<FileHandle> ChildrensJob() {
  static absl::Mutex* const mutex = new absl::Mutex;
  static FileHandle job = kInvalidFileHandle;
  absl::MutexLock lock(mutex);
  if (job == kInvalidFileHandle) {
    const absl::StatusOr<FileHandle> made = MakeJob();
    if (!made.ok()) return made.status();
    job = *made;
  }
  return job;
}

}  // namespace multiproc
