// How long things took: their number, mean, least and greatest, and quantiles,
// in memory that does not grow.
//
//   Histogram times;
//   times.Record(1'250);                            // nanoseconds
//   times.count();                                  // 1
//   times.Quantile(0.99);                           // 1.25 us
//
// The buckets are linear within each power of two, 32 in each: a quantile is
// within 1/64 (1.6 %) of the true one, and exact below 64 ns; of those beyond
// 2^48 ns (78 hours) only the longest is known. 11 KiB; to record is a few
// instructions, without a search and without allocation.
//
// Thread-safe as any value is.

#ifndef MULTIPROC_POOL_HISTOGRAM_H_
#define MULTIPROC_POOL_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/numeric/bits.h"
#include "absl/time/time.h"

namespace multiproc {

// How often times of each length were recorded.
class Histogram {
 public:
  // Adds a time, in nanoseconds; a negative one counts as zero.
  void Record(int64_t nanoseconds) {
    const int64_t time = (std::max)(nanoseconds, int64_t{0});
    ++buckets_[BucketOf(static_cast<uint64_t>(time))];
    ++count_;
    sum_ns_ += static_cast<double>(time);
    min_ns_ = (std::min)(min_ns_, time);
    max_ns_ = (std::max)(max_ns_, time);
  }

  // How many there are. Of none, all of the following are zero.
  uint64_t count() const { return count_; }

  // Of all; never less than it was before.
  double SumNanoseconds() const { return sum_ns_; }
  // Exact.
  absl::Duration Mean() const;
  absl::Duration Min() const;
  absl::Duration Max() const;

  // The least of the times that `p` of them, a part from 0 to 1, do not exceed:
  // 0.5 for the median, 0.99 for what one of a hundred exceeds. Up to the error
  // above, and never less than Min() or more than Max(), which 0 and 1 give.
  absl::Duration Quantile(double p) const;

 private:
  // 2^5 in each power of two up to 2^48.
  static constexpr int kLinearBits = 5;
  static constexpr int kLargestBits = 48;
  static constexpr size_t kNumBuckets = size_t{kLargestBits - kLinearBits + 1}
                                        << kLinearBits;

  static size_t BucketOf(uint64_t value) {
    const int bits = static_cast<int>(absl::bit_width(value));
    const int shift = (std::max)(bits - kLinearBits - 1, 0);
    const size_t bucket =
        (static_cast<size_t>(shift) << kLinearBits) + (value >> shift);
    return (std::min)(bucket, kNumBuckets - 1);
  }

  std::array<uint64_t, kNumBuckets> buckets_ = {};
  uint64_t count_ = 0;
  // What no integer can hold: a million tasks may wait for years in all.
  double sum_ns_ = 0;
  int64_t min_ns_ = INT64_MAX;
  int64_t max_ns_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_HISTOGRAM_H_
