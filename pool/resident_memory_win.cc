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
namespace {

std::optional<uint64_t> WorkingSetOf(HANDLE process) {
  PROCESS_MEMORY_COUNTERS counters = {};
  if (!GetProcessMemoryInfo(process, &counters, sizeof(counters))) {
    return std::nullopt;
  }
  return counters.WorkingSetSize;
}

}  // namespace

std::optional<uint64_t> ResidentBytes() {
  return WorkingSetOf(GetCurrentProcess());
}

std::optional<uint64_t> ResidentBytes(int64_t pid) {
  const HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE,
                                     static_cast<DWORD>(pid));
  if (process == nullptr) return std::nullopt;
  const std::optional<uint64_t> bytes = WorkingSetOf(process);
  CloseHandle(process);
  return bytes;
}

}  // namespace multiproc
