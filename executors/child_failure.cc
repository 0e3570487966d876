#include "multiproc/executors/child_failure.h"

#include <errno.h>
#include <unistd.h>

#include "absl/status/statusor.h"

namespace multiproc {
namespace {

void Report(int pipe, const ChildFailure& failure) {
  // Less than PIPE_BUF: whole or not at all.
  ssize_t written;
  do {
    written = write(pipe, &failure, sizeof(failure));
  } while (written < 0 && errno == EINTR);
}

}  // namespace

const char* StepName(ChildStep step) {
  switch (step) {
    case ChildStep::kSetsid:
      return "setsid";
    case ChildStep::kSetpgid:
      return "setpgid";
    case ChildStep::kChdir:
      return "chdir";
    case ChildStep::kDup2:
      return "dup2";
    case ChildStep::kNice:
      return "setpriority";
    case ChildStep::kCpus:
      return "sched_setaffinity";
    case ChildStep::kFilesLimit:
      return "setrlimit(RLIMIT_NOFILE)";
    case ChildStep::kFileSizeLimit:
      return "setrlimit(RLIMIT_FSIZE)";
    case ChildStep::kCoreLimit:
      return "setrlimit(RLIMIT_CORE)";
    case ChildStep::kCpuLimit:
      return "setrlimit(RLIMIT_CPU)";
    case ChildStep::kMemoryLimit:
      return "setrlimit(RLIMIT_AS)";
    case ChildStep::kLimitsSet:
    case ChildStep::kExec:
      break;
  }
  return "exec";
}

void ReportAndExit(int pipe, const ChildFailure& failure) {
  Report(pipe, failure);
  _exit(127);
}

void ReportLimitsSet(int pipe) { Report(pipe, {ChildStep::kLimitsSet, 0}); }

std::optional<ChildFailure> ReadFailure(FileHandle pipe) {
  ChildFailure failure;
  const absl::StatusOr<size_t> size =
      ReadSome(pipe, reinterpret_cast<char*>(&failure), sizeof(failure));
  if (!size.ok() || *size != sizeof(failure)) return std::nullopt;
  return failure;
}

}  // namespace multiproc
