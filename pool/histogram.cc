#include "multiproc/pool/histogram.h"

#include <algorithm>
#include <cmath>

namespace multiproc {

absl::Duration Histogram::Mean() const {
  if (count_ == 0) return absl::ZeroDuration();
  return absl::Nanoseconds(sum_ns_ / static_cast<double>(count_));
}

absl::Duration Histogram::Min() const {
  return count_ == 0 ? absl::ZeroDuration() : absl::Nanoseconds(min_ns_);
}

absl::Duration Histogram::Max() const { return absl::Nanoseconds(max_ns_); }

absl::Duration Histogram::Quantile(double p) const {
  // What is not a number goes the first way.
  if (!(p > 0) || count_ == 0) return Min();
  if (p >= 1) return Max();
  const double rank = std::ceil(p * static_cast<double>(count_));
  uint64_t seen = 0;
  size_t bucket = 0;
  while (bucket < kNumBuckets - 1) {
    seen += buckets_[bucket];
    if (static_cast<double>(seen) >= rank) break;
    ++bucket;
  }
  // The last one has no end.
  if (bucket == kNumBuckets - 1) return Max();
  const size_t power = bucket >> kLinearBits;
  const int shift = power < 2 ? 0 : static_cast<int>(power) - 1;
  const size_t skipped = static_cast<size_t>(shift) << kLinearBits;
  const int64_t first = static_cast<int64_t>(bucket - skipped) << shift;
  // The middle of what is in it.
  const int64_t middle = first + (int64_t{1} << shift) / 2;
  return absl::Nanoseconds(std::clamp(middle, min_ns_, max_ns_));
}

}  // namespace multiproc
