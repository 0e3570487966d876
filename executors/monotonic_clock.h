// The time for deadlines: it goes on when somebody sets the machine's clock.

#ifndef MULTIPROC_EXECUTORS_MONOTONIC_CLOCK_H_
#define MULTIPROC_EXECUTORS_MONOTONIC_CLOCK_H_

#include <chrono>  // NOLINT(build/c++11)
#include <cstdint>

#include "absl/time/time.h"

namespace multiproc {

// Of use in comparison with others of its kind only: its beginning is
// arbitrary.
inline absl::Time MonotonicNow() {
  return absl::UnixEpoch() +
         absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

// The same in nanoseconds, where every one of them counts.
inline int64_t MonotonicNanoseconds() {
  return std::chrono::nanoseconds(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_MONOTONIC_CLOCK_H_
