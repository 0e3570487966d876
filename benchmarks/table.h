// The comparison as a table, in Markdown that can be read on a terminal.
//
//   std::fputs(FormatTable(Compare(measures, log)).c_str(), stdout);
//
// Stateless, and so thread-safe.

#ifndef MULTIPROC_BENCHMARKS_TABLE_H_
#define MULTIPROC_BENCHMARKS_TABLE_H_

#include <string>
#include <vector>

#include "multiproc/benchmarks/comparison.h"

namespace multiproc {

// One line for each rival that was measured, or is a target. A figure that was
// taken while other processes used the machine is marked "~".
std::string FormatTable(const std::vector<Comparison>& comparisons);

// How many targets are met, missed and unknown, and which are missed.
std::string FormatVerdicts(const std::vector<Comparison>& comparisons);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_TABLE_H_
