// What the tasks of the benchmarks do, with a pool and without one.

#ifndef MULTIPROC_BENCHMARKS_TASK_BODIES_H_
#define MULTIPROC_BENCHMARKS_TASK_BODIES_H_

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/benchmarks/call_times.h"

namespace multiproc {

// Uses a CPU for `time`, as long as nobody takes it away.
inline void Burn(absl::Duration time) {
  const Stopwatch stopwatch;
  while (stopwatch.Elapsed() < time) {
  }
}

inline void BurnTenMicroseconds() { Burn(absl::Microseconds(10)); }

inline void SleepOneMillisecond() { absl::SleepFor(absl::Milliseconds(1)); }

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_TASK_BODIES_H_
