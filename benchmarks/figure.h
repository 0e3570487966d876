// A measured figure, and the line of text as which programs hand it on.
//
//   {"item":"pool_roundtrip","who":"multiproc","p":{"workers":1},
//    "metric":"p50","unit":"us","median":75,"min":70,"max":80,"iqr":5,"n":3}
//
// (in one line). A program that could not measure prints "error" with the
// reason in place of the numbers.

#ifndef MULTIPROC_BENCHMARKS_FIGURE_H_
#define MULTIPROC_BENCHMARKS_FIGURE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/benchmarks/statistics.h"

namespace multiproc {

// What was measured, in words of its own for each item: {"workers", "2"}.
using Parameters = std::map<std::string, std::string>;

struct Figure {
  // What was done: "pool_roundtrip".
  std::string item = {};
  // By whom: "multiproc", "cpython_pool", "c_floor".
  std::string who = {};
  Parameters parameters = {};
  // What was measured of it, "p50", and in which unit, "us".
  std::string metric = {};
  std::string unit = {};
  // Over the repetitions.
  Summary summary = {};
  // Why there are no numbers, if there are none.
  std::string error = {};
};

// The line, without "\n".
std::string FormatFigure(const Figure& figure);

// INVALID_ARGUMENT for a line that is no figure.
absl::StatusOr<Figure> ParseFigure(absl::string_view line);

// The unit in which programs here give a metric: "us" for "p50". Empty for one
// that is unknown.
absl::string_view UnitOf(absl::string_view metric);

// Prints the line of a figure with `samples`, one for each repetition, to
// standard output at once. `figure` says the rest, but for the unit.
void PrintFigure(Figure figure, const std::vector<double>& samples);

// The same for a figure that could not be measured.
void PrintError(Figure figure, absl::string_view error);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_FIGURE_H_
