#include "multiproc/benchmarks/effort.h"

#include "absl/flags/flag.h"

ABSL_FLAG(bool, quick, false, "Measure for a short time, and less exactly.");

namespace multiproc {

int Repetitions() { return static_cast<int>(QuickOr(3, 7)); }

int FewRepetitions() { return static_cast<int>(QuickOr(1, 3)); }

int EchoRepetitions(size_t size) {
  return size > (1 << 20) ? FewRepetitions() : Repetitions();
}

absl::Duration RepetitionTime() {
  return absl::Milliseconds(QuickOr(120, 400));
}

int64_t QuickOr(int64_t quick, int64_t full) {
  return absl::GetFlag(FLAGS_quick) ? quick : full;
}

}  // namespace multiproc
