#ifdef _WIN32
#error "Windows builds cpu_count_win.cc"
#endif

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <thread>  // NOLINT(build/c++11): hardware_concurrency

#include "multiproc/executors/cgroup_cpus.h"
#include "multiproc/executors/cpu_count.h"

namespace multiproc {
namespace {

int CountUsableCpus() {
#ifdef __linux__
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0) return CPU_COUNT(&cpus);
#endif
  const int count = static_cast<int>(std::thread::hardware_concurrency());
  return count > 0 ? count : 1;
}

}  // namespace

int CountCpus() {
  const int usable = CountUsableCpus();
  return (std::min)(usable, CgroupCpus("/proc").value_or(usable));
}

}  // namespace multiproc
