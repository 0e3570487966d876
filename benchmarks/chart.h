// The comparison as a drawing: bars on a logarithmic scale.
//
//   std::string svg = FormatChart(Compare(measures, log), "AMD EPYC, 2 CPUs");
//
// Every bar is what the figure costs (time or memory for the same work) as a
// multiple of what this library costs, whose bars therefore all end at 1.
// Ticks on them are the targets: met if they are at 1 or beyond.
//
// Stateless, and so thread-safe.

#ifndef MULTIPROC_BENCHMARKS_CHART_H_
#define MULTIPROC_BENCHMARKS_CHART_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "multiproc/benchmarks/comparison.h"

namespace multiproc {

// An SVG document. Measures without a figure of this library are left out.
std::string FormatChart(const std::vector<Comparison>& comparisons,
                        absl::string_view subtitle);

// What `theirs` costs as a multiple of what `ours` does.
double RelativeCost(double ours, double theirs, Better better);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_CHART_H_
