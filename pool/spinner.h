// Whether to poll for what is awaited before sleeping: as long as that succeeds
// mostly.
//
//   Spinner spinner(absl::Microseconds(50));
//   const absl::Duration spin_time = spinner.NextTime();   // may be zero
//   ... poll for that long ...
//   if (spin_time > absl::ZeroDuration()) spinner.Record(it_came);
//
// Not thread-safe.

#ifndef MULTIPROC_POOL_SPINNER_H_
#define MULTIPROC_POOL_SPINNER_H_

#include <algorithm>

#include "absl/time/time.h"

namespace multiproc {

class Spinner {
 public:
  // Zero for never.
  explicit Spinner(absl::Duration spin_time) : spin_time_(spin_time) {}

  // How long to poll this time. After failures it is zero for a while.
  absl::Duration NextTime() {
    if (score_ >= 0) return spin_time_;
    ++score_;
    return absl::ZeroDuration();
  }

  // Whether polling was enough.
  void Record(bool success) {
    score_ = success ? (std::min)(score_ + 1, kMostCredit) : score_ - 1;
    if (score_ < 0) score_ = -kPause;
  }

 private:
  // A few failures are forgiven; then so many times are without.
  static constexpr int kMostCredit = 4;
  static constexpr int kPause = 16;

  const absl::Duration spin_time_;
  int score_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_SPINNER_H_
