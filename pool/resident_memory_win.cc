#ifndef _WIN32
#error "POSIX builds resident_memory_posix.cc"
#endif

#include "multiproc/executors/windows_api.h"
#include "multiproc/pool/resident_memory.h"

// Behind windows.h, which it needs. Version 2 is in kernel32, and not in a
// library of its own.
#ifndef PSAPI_VERSION
#define PSAPI_VERSION 2
#endif
#include <psapi.h>

namespace multiproc {

std::optional<uint64_t> ResidentBytes() {
  PROCESS_MEMORY_COUNTERS counters = {};
  if (!GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof(counters))) {
    return std::nullopt;
  }
  return counters.WorkingSetSize;
}

}  // namespace multiproc
