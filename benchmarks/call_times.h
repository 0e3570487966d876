// How long each of many calls takes.
//
//   CallTimes times = TimeCalls(absl::Milliseconds(100), [] { RoundTrip(); });
//   times.p50();  // in microseconds
//
// Thread-compatible.

#ifndef MULTIPROC_BENCHMARKS_CALL_TIMES_H_
#define MULTIPROC_BENCHMARKS_CALL_TIMES_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "multiproc/benchmarks/figure.h"
#include "multiproc/benchmarks/statistics.h"

namespace multiproc {

// Measures from its construction.
class Stopwatch {
 public:
  absl::Duration Elapsed() const {
    return absl::FromChrono(std::chrono::steady_clock::now() - start_);
  }
  double Seconds() const { return absl::ToDoubleSeconds(Elapsed()); }
  double Milliseconds() const { return absl::ToDoubleMilliseconds(Elapsed()); }
  double Microseconds() const { return absl::ToDoubleMicroseconds(Elapsed()); }

 private:
  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

class CallTimes {
 public:
  explicit CallTimes(std::vector<double> microseconds)
      : microseconds_(std::move(microseconds)) {}

  double p50() const { return Quantile(microseconds_, 0.5); }
  double p99() const { return Quantile(microseconds_, 0.99); }
  double mean() const { return Mean(microseconds_); }
  double per_second() const { return 1e6 / mean(); }

 private:
  std::vector<double> microseconds_;
};

// Calls `call` for `time`, and `min_calls` times at least.
template <typename Call>
CallTimes TimeCalls(absl::Duration time, size_t min_calls, Call call) {
  const double whole = absl::ToDoubleMicroseconds(time);
  std::vector<double> microseconds;
  const Stopwatch stopwatch;
  double before = 0;
  while (before < whole || microseconds.size() < min_calls) {
    call();
    const double now = stopwatch.Microseconds();
    microseconds.push_back(now - before);
    before = now;
  }
  return CallTimes(std::move(microseconds));
}

// Prints p50, p99 and calls a second, the latter as `rate_metric`; one element
// of `repetitions` each. `figure` says the rest.
inline void PrintCallTimes(Figure figure, const std::string& rate_metric,
                           const std::vector<CallTimes>& repetitions) {
  std::vector<double> p50, p99, rate;
  for (const CallTimes& times : repetitions) {
    p50.push_back(times.p50());
    p99.push_back(times.p99());
    rate.push_back(times.per_second());
  }
  figure.metric = "p50";
  PrintFigure(figure, p50);
  figure.metric = "p99";
  PrintFigure(figure, p99);
  figure.metric = rate_metric;
  PrintFigure(figure, rate);
}

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_CALL_TIMES_H_
