#include "multiproc/pool/lease_policy.h"

#include <algorithm>

namespace multiproc {
namespace {

// The weight of one more task in the mean. One long task among a hundred short
// ones must not end the leasing ahead, nor one short among long ones begin it.
constexpr double kWeight = 1.0 / 32;

constexpr absl::Duration kLeastPatience = absl::Milliseconds(1);

}  // namespace

void LeasePolicy::Record(int64_t run_time_ns) {
  // Nothing takes no time, and zero stands for the unknown.
  const double run_time =
      static_cast<double>(std::max<int64_t>(run_time_ns, 1));
  mean_ns_ =
      mean_ns_ == 0 ? run_time : mean_ns_ + (run_time - mean_ns_) * kWeight;
}

size_t LeasePolicy::max_leases() const {
  if (fixed_ > 0) return fixed_;
  if (mean_ns_ == 0) return 1;
  const double ahead = absl::ToDoubleNanoseconds(kWindow) / mean_ns_;
  return static_cast<size_t>(std::min(1 + ahead, static_cast<double>(kMost)));
}

absl::Duration LeasePolicy::patience() const {
  return std::max(kLeastPatience, 4 * mean_run_time());
}

}  // namespace multiproc
