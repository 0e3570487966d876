#ifndef _WIN32
#error "POSIX builds cpu_count_posix.cc"
#endif

#include "multiproc/executors/cpu_count.h"
#include "multiproc/executors/windows_api.h"

namespace multiproc {
namespace {

int CountBits(DWORD_PTR mask) {
  int count = 0;
  for (; mask != 0; mask &= mask - 1) ++count;
  return count;
}

}  // namespace

int CountCpus() {
  DWORD_PTR process_mask = 0;
  DWORD_PTR system_mask = 0;
  // Both masks are zero for a process that runs in several processor groups,
  // on machines with more than 64 CPUs.
  if (GetProcessAffinityMask(GetCurrentProcess(), &process_mask,
                             &system_mask) != 0 &&
      process_mask != 0 && process_mask != system_mask) {
    return CountBits(process_mask);
  }
  const DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
  return count > 0 ? static_cast<int>(count) : 1;
}

}  // namespace multiproc
