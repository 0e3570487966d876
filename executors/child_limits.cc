#include "multiproc/executors/child_limits.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "absl/time/time.h"

namespace multiproc {
namespace {

ChildLimits::Resource ToResource(ChildStep step,
                                 const std::optional<uint64_t>& value,
                                 rlim_t margin = 0) {
  // RLIM_INFINITY itself means no limit, which it may be told, too.
  return {value.has_value(), step, static_cast<rlim_t>(value.value_or(0)),
          margin};
}

// SIGXCPU comes at the soft limit, and SIGKILL at the hard one, if they are
// not the same (setrlimit(2)).
ChildLimits::Resource CpuResource(const Limits& limits) {
  std::optional<uint64_t> seconds;
  if (limits.cpu_time.has_value()) {
    seconds = static_cast<uint64_t>(
        absl::ToInt64Seconds(absl::Ceil(*limits.cpu_time, absl::Seconds(1))));
  }
  return ToResource(ChildStep::kCpuLimit, seconds, 1);
}

int ResourceOf(ChildStep step) {
  switch (step) {
    case ChildStep::kFilesLimit:
      return RLIMIT_NOFILE;
    case ChildStep::kFileSizeLimit:
      return RLIMIT_FSIZE;
    case ChildStep::kCoreLimit:
      return RLIMIT_CORE;
    case ChildStep::kCpuLimit:
      return RLIMIT_CPU;
    default:
      return RLIMIT_AS;
  }
}

bool SetResource(const ChildLimits::Resource& resource) {
  if (!resource.is_set) return true;
  const int number = ResourceOf(resource.step);
  struct rlimit now = {};
  getrlimit(static_cast<decltype(RLIMIT_AS)>(number), &now);
  struct rlimit wanted = {resource.value, resource.value};
  if (now.rlim_max > wanted.rlim_max) {
    wanted.rlim_max +=
        (std::min)(resource.margin, now.rlim_max - wanted.rlim_max);
  }
  return setrlimit(static_cast<decltype(RLIMIT_AS)>(number), &wanted) == 0;
}

}  // namespace

absl::StatusOr<ChildLimits> ChildLimits::Make(const Limits& limits) {
  ChildLimits made;
  // What is not set is sent, too.
  std::memset(static_cast<void*>(&made), 0, sizeof(made));
  made.files = ToResource(ChildStep::kFilesLimit, limits.open_files);
  made.file_size = ToResource(ChildStep::kFileSizeLimit, limits.file_bytes);
  made.core = ToResource(ChildStep::kCoreLimit, limits.core_bytes);
  made.cpu = CpuResource(limits);
  made.memory = ToResource(ChildStep::kMemoryLimit, limits.memory_bytes);
  made.has_nice = limits.nice.has_value();
  made.nice = limits.nice.value_or(0);
  made.has_umask = limits.umask.has_value();
  made.umask = static_cast<mode_t>(limits.umask.value_or(0));
  made.has_cpus = !limits.cpus.empty();
#ifdef __linux__
  for (const int cpu : limits.cpus) CPU_SET(cpu, &made.cpus);
#else
  if (made.has_cpus) {
    return absl::UnimplementedError(
        "Command: limits.cpus: this system can't bind a process to CPUs");
  }
#endif
  return made;
}

std::optional<ChildFailure> ChildLimits::Apply() const {
  if (has_umask) ::umask(umask);
  if (has_nice && setpriority(PRIO_PROCESS, 0, nice) != 0) {
    return ChildFailure{ChildStep::kNice, errno};
  }
#ifdef __linux__
  if (has_cpus && sched_setaffinity(0, sizeof(cpus), &cpus) != 0) {
    return ChildFailure{ChildStep::kCpus, errno};
  }
#endif
  for (const Resource* resource : {&files, &file_size, &core, &cpu, &memory}) {
    if (!SetResource(*resource)) return ChildFailure{resource->step, errno};
  }
  return std::nullopt;
}

}  // namespace multiproc
