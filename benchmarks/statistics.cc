#include "multiproc/benchmarks/statistics.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace multiproc {
namespace {

double QuantileOfSorted(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  const double place = q * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double rest = place - static_cast<double>(below);
  return sorted[below] + rest * (sorted[below + 1] - sorted[below]);
}

}  // namespace

double Quantile(std::vector<double> samples, double q) {
  std::sort(samples.begin(), samples.end());
  return QuantileOfSorted(samples, q);
}

double Mean(const std::vector<double>& samples) {
  if (samples.empty()) return 0;
  return std::accumulate(samples.begin(), samples.end(), 0.0) /
         static_cast<double>(samples.size());
}

Summary Summarize(const std::vector<double>& samples) {
  std::vector<double> sorted = samples;
  std::sort(sorted.begin(), sorted.end());
  Summary summary;
  summary.median = QuantileOfSorted(sorted, 0.5);
  summary.min = QuantileOfSorted(sorted, 0);
  summary.max = QuantileOfSorted(sorted, 1);
  summary.interquartile_range =
      QuantileOfSorted(sorted, 0.75) - QuantileOfSorted(sorted, 0.25);
  summary.count = static_cast<int>(sorted.size());
  return summary;
}

}  // namespace multiproc
