#include "multiproc/pool/chunk_policy.h"

#include <algorithm>

namespace multiproc {
namespace {

// One chunk is no proof of the next: sizes grow this much at a time.
constexpr double kGrowth = 16;
constexpr double kLargest = 1e6;

}  // namespace

size_t ChunkPolicy::NextSize(std::optional<size_t> remaining) const {
  if (!remaining.has_value()) return size_;
  // The last chunks are shared out evenly.
  const size_t share = *remaining / (2 * num_workers_) + 1;
  return std::min(size_, share);
}

void ChunkPolicy::Record(size_t count, absl::Duration run_time) {
  const double chunks =
      absl::FDivDuration(kChunkTime, std::max(run_time, absl::Nanoseconds(1)));
  const double wanted = static_cast<double>(count) * chunks;
  const double most = std::min(static_cast<double>(size_) * kGrowth, kLargest);
  size_ = static_cast<size_t>(std::clamp(wanted, 1.0, most));
}

}  // namespace multiproc
