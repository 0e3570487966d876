#include "multiproc/pool/lease_policy.h"

#include <algorithm>

namespace multiproc {
namespace {

// The weight of one more task in the mean. One long task among a hundred short
// ones must not end the leasing ahead, nor one short among long ones begin it.
constexpr double kWeight = 1.0 / 32;

constexpr absl::Duration kLeastPatience = absl::Milliseconds(1);

}  // namespace

void LeasePolicy::Record(absl::Duration run_time) {
  // Nothing takes no time, and zero stands for the unknown.
  run_time = std::max(run_time, absl::Nanoseconds(1));
  mean_ = mean_ == absl::ZeroDuration() ? run_time
                                        : mean_ + (run_time - mean_) * kWeight;
}

size_t LeasePolicy::max_leases() const {
  if (fixed_ > 0) return fixed_;
  if (mean_ == absl::ZeroDuration()) return 1;
  const double ahead = absl::FDivDuration(kWindow, mean_);
  return static_cast<size_t>(std::min(1 + ahead, static_cast<double>(kMost)));
}

absl::Duration LeasePolicy::patience() const {
  return std::max(kLeastPatience, 4 * mean_);
}

}  // namespace multiproc
