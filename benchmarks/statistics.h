// What is said of the samples of a figure.
//
//   Summary summary = Summarize({3.0, 1.0, 2.0});  // median 2, min 1, max 3
//
// Stateless, and so thread-safe.

#ifndef MULTIPROC_BENCHMARKS_STATISTICS_H_
#define MULTIPROC_BENCHMARKS_STATISTICS_H_

#include <vector>

namespace multiproc {

// The value below which a share `q`, from 0 to 1, of `samples` lies, linearly
// interpolated between the two nearest. 0 for no samples.
double Quantile(std::vector<double> samples, double q);

double Mean(const std::vector<double>& samples);

struct Summary {
  double median = 0;
  double min = 0;
  double max = 0;
  // From the first quartile to the third.
  double interquartile_range = 0;
  int count = 0;
};

// Of one sample for each repetition.
Summary Summarize(const std::vector<double>& samples);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_STATISTICS_H_
