// What this process uses of the machine.
//
//   absl::StatusOr<int64_t> peak = PeakResidentBytes();
//
// Thread-safe. UNIMPLEMENTED where the system does not tell: all but CpuTime
// are read from Linux's /proc.

#ifndef MULTIPROC_BENCHMARKS_PROCESS_USAGE_H_
#define MULTIPROC_BENCHMARKS_PROCESS_USAGE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace multiproc {

// The most memory that was in RAM since the start, or since
// ResetPeakResidentBytes; and the part of it now that is no file's: what a fork
// copies. (resident_memory.h has what is in RAM now.)
absl::StatusOr<int64_t> PeakResidentBytes();
absl::Status ResetPeakResidentBytes();
absl::StatusOr<int64_t> AnonymousBytes();

absl::StatusOr<int64_t> CountThreads();

// Open file descriptors.
absl::StatusOr<int64_t> CountHandles();

// CPU that all threads of this process have used.
absl::StatusOr<absl::Duration> CpuTime();

// OK if this process may open `handles` descriptors, and have `processes`
// children; it raises what it may of the limits. RESOURCE_EXHAUSTED with the
// limit that is too low.
absl::Status AllowHandlesAndProcesses(int64_t handles, int64_t processes);

// Gives memory that was freed back to the system, where that can be asked for.
void ReleaseFreedMemory();

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_PROCESS_USAGE_H_
