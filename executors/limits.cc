#include "multiproc/executors/limits.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multiproc {
namespace {

// Of what sched_setaffinity(2), and an affinity mask of Windows (ULONG_PTR),
// have bits for.
#ifdef _WIN32
constexpr int kMostCpus = 8 * sizeof(void*);
#else
constexpr int kMostCpus = 1024;
#endif

absl::Status OutOfRange(absl::string_view field, int64_t value,
                        absl::string_view range) {
  return absl::InvalidArgumentError(
      absl::StrCat("Command: limits.", field, " ", value, " is not ", range));
}

}  // namespace

absl::Status CheckLimits(const Limits& limits) {
  absl::Status status;
  if (limits.cpu_time.has_value() && *limits.cpu_time <= absl::ZeroDuration()) {
    status.Update(absl::InvalidArgumentError(absl::StrCat(
        "Command: limits.cpu_time ", absl::FormatDuration(*limits.cpu_time),
        " is not above 0")));
  }
  const int nice = limits.nice.value_or(0);
  if (nice < -20 || nice > 19) {
    status.Update(OutOfRange("nice", nice, "from -20 to 19"));
  }
  for (const int cpu : limits.cpus) {
    if (cpu >= 0 && cpu < kMostCpus) continue;
    status.Update(
        OutOfRange("cpus", cpu, absl::StrCat("from 0 to ", kMostCpus - 1)));
  }
  if (limits.umask.value_or(0) > 0777) {
    status.Update(OutOfRange("umask", *limits.umask, "at most 0777"));
  }
  return status;
}

bool HasLimits(const Limits& limits) {
  return limits.memory_bytes.has_value() || limits.cpu_time.has_value() ||
         limits.open_files.has_value() || limits.core_bytes.has_value() ||
         limits.file_bytes.has_value() || limits.nice.has_value() ||
         !limits.cpus.empty() || limits.umask.has_value();
}

}  // namespace multiproc
