// How a child tells its parent that it can't become what it was started for:
// through a pipe that exec, or the start of the function, closes. POSIX only.

#ifndef MULTIPROC_EXECUTORS_CHILD_FAILURE_H_
#define MULTIPROC_EXECUTORS_CHILD_FAILURE_H_

#include <optional>

#include "multiproc/executors/file_handle.h"

namespace multiproc {

// What a child does on its way.
enum class ChildStep : int {
  // None that can fail: its limits are set.
  kLimitsSet,
  kSetsid,
  kSetpgid,
  kChdir,
  kDup2,
  kNice,
  kCpus,
  kFilesLimit,
  kFileSizeLimit,
  kCoreLimit,
  kCpuLimit,
  kMemoryLimit,
  kExec,
};

// The system call of a step, for messages: "setrlimit(RLIMIT_NOFILE)".
const char* StepName(ChildStep step);

struct ChildFailure {
  ChildStep step;
  int error;
};

// In the child: tells of `failure` through `pipe`, and ends with exit code 127.
// Async-signal-safe.
[[noreturn]] void ReportAndExit(int pipe, const ChildFailure& failure);

// In a child that is a program of its own, and may end before it gets so far:
// tells that its limits are set. Async-signal-safe.
void ReportLimitsSet(int pipe);

// In the parent, after no write end is open in it any more: waits until the
// child has told something (kLimitsSet with no error, too), or closed its own
// end.
std::optional<ChildFailure> ReadFailure(FileHandle pipe);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CHILD_FAILURE_H_
