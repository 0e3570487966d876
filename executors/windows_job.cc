#include "multiproc/executors/windows_job.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
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

namespace {

void SetLimits(const Limits& limits,
               JOBOBJECT_EXTENDED_LIMIT_INFORMATION* information) {
  JOBOBJECT_BASIC_LIMIT_INFORMATION& basic = information->BasicLimitInformation;
  if (limits.memory_bytes.has_value()) {
    basic.LimitFlags |= JOB_OBJECT_LIMIT_PROCESS_MEMORY;
    // More than there are addresses is as good as all of them.
    information->ProcessMemoryLimit = static_cast<SIZE_T>((std::min)(
        *limits.memory_bytes, uint64_t{(std::numeric_limits<SIZE_T>::max)()}));
  }
  if (limits.cpu_time.has_value()) {
    basic.LimitFlags |= JOB_OBJECT_LIMIT_PROCESS_TIME;
    // In 100 ns. Rounded up: 0 would be no time at all.
    constexpr absl::Duration kUnit = absl::Nanoseconds(100);
    basic.PerProcessUserTimeLimit.QuadPart =
        absl::ToInt64Nanoseconds(absl::Ceil(*limits.cpu_time, kUnit)) / 100;
  }
  for (const int cpu : limits.cpus) {
    basic.LimitFlags |= JOB_OBJECT_LIMIT_AFFINITY;
    basic.Affinity |= ULONG_PTR{1} << cpu;
  }
}

}  // namespace

absl::StatusOr<ScopedFileHandle> MakeChildJob(const Limits& limits) {
  ScopedFileHandle job(CreateJobObjectW(nullptr, nullptr));
  if (!job.is_valid()) {
    return WindowsError("CreateJobObject", "", GetLastError());
  }
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION information = {};
  SetLimits(limits, &information);
  if (information.BasicLimitInformation.LimitFlags != 0 &&
      SetInformationJobObject(job.get(), JobObjectExtendedLimitInformation,
                              &information, sizeof(information)) == 0) {
    return WindowsError("SetInformationJobObject(limits)", "", GetLastError());
  }
  return job;
}

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
