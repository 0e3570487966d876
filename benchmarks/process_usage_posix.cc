#include <dirent.h>
#include <sys/resource.h>

#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "multiproc/benchmarks/process_usage.h"
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace multiproc {
namespace {

// The number after "name:" in /proc/self/status.
absl::StatusOr<int64_t> StatusNumber(absl::string_view name) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (!absl::StartsWith(line, absl::StrCat(name, ":"))) continue;
    absl::string_view text = absl::string_view(line).substr(name.size() + 1);
    absl::ConsumeSuffix(&text, " kB");
    int64_t number = 0;
    if (absl::SimpleAtoi(text, &number)) return number;
  }
  return absl::UnimplementedError(
      absl::StrCat("/proc/self/status has no ", name));
}

absl::StatusOr<int64_t> StatusKibibytes(absl::string_view name) {
  absl::StatusOr<int64_t> number = StatusNumber(name);
  if (number.ok()) *number *= 1024;
  return number;
}

absl::Duration FromTimeval(const timeval& time) {
  return absl::DurationFromTimeval(time);
}

absl::Status RaiseLimit(int resource, const char* name, int64_t wanted) {
  rlimit limit{};
  getrlimit(resource, &limit);
  const rlim_t needed = static_cast<rlim_t>(wanted);
  if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < needed) {
    const rlim_t had = limit.rlim_cur;
    limit.rlim_cur = needed;
    if (setrlimit(resource, &limit) != 0) {
      return absl::ResourceExhaustedError(
          absl::StrCat(name, " is ", had, ", and ", wanted, " are needed"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int64_t> PeakResidentBytes() { return StatusKibibytes("VmHWM"); }

absl::StatusOr<int64_t> AnonymousBytes() { return StatusKibibytes("RssAnon"); }

absl::StatusOr<int64_t> CountThreads() { return StatusNumber("Threads"); }

absl::Status ResetPeakResidentBytes() {
  std::ofstream clear_refs("/proc/self/clear_refs");
  clear_refs << "5" << std::flush;  // proc(5)
  return clear_refs.good() ? absl::OkStatus()
                           : absl::UnimplementedError(
                                 "/proc/self/clear_refs can't be written");
}

absl::StatusOr<int64_t> CountHandles() {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) {
    return absl::UnimplementedError("there is no /proc/self/fd");
  }
  int64_t count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count - 3;  // ".", ".." and the directory's own
}

absl::StatusOr<absl::Duration> CpuTime() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return FromTimeval(usage.ru_utime) + FromTimeval(usage.ru_stime);
}

absl::Status AllowHandlesAndProcesses(int64_t handles, int64_t processes) {
  const absl::Status raised =
      RaiseLimit(RLIMIT_NOFILE, "RLIMIT_NOFILE", handles);
  if (!raised.ok()) return raised;
#ifdef RLIMIT_NPROC
  return RaiseLimit(RLIMIT_NPROC, "RLIMIT_NPROC", processes);
#else
  return absl::OkStatus();
#endif
}

void ReleaseFreedMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace multiproc
