// How much memory a process has now. Thread-safe.

#ifndef MULTIPROC_POOL_RESIDENT_MEMORY_H_
#define MULTIPROC_POOL_RESIDENT_MEMORY_H_

#include <cstdint>
#include <optional>

namespace multiproc {

// The resident set of this process, in bytes: the second number of
// /proc/self/statm (proc(5)), or the WorkingSetSize of GetProcessMemoryInfo.
// What several processes share counts in each. nullopt where the system does
// not tell; takes some microseconds.
std::optional<uint64_t> ResidentBytes();

// The same for the process `pid`, a child that nobody has waited for. nullopt
// also if it is gone, or another user's.
std::optional<uint64_t> ResidentBytes(int64_t pid);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_RESIDENT_MEMORY_H_
