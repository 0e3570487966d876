#include "multiproc/benchmarks/process_usage.h"

namespace multiproc {
namespace {

absl::Status NotHere() {
  return absl::UnimplementedError("not measured on Windows");
}

}  // namespace

absl::StatusOr<int64_t> PeakResidentBytes() { return NotHere(); }
absl::Status ResetPeakResidentBytes() { return NotHere(); }
absl::StatusOr<int64_t> AnonymousBytes() { return NotHere(); }
absl::StatusOr<int64_t> CountThreads() { return NotHere(); }
absl::StatusOr<int64_t> CountHandles() { return NotHere(); }
absl::StatusOr<absl::Duration> CpuTime() { return NotHere(); }
absl::Status AllowHandlesAndProcesses(int64_t, int64_t) { return NotHere(); }
void ReleaseFreedMemory() {}

}  // namespace multiproc
