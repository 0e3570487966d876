// Numbers as people read them.
//
//   FormatQuantity(1234567, "1/s");  // "1.23 M/s"
//   FormatQuantity(30.909, "us");    // "30.9 us"
//
// Stateless, and so thread-safe.

#ifndef MULTIPROC_BENCHMARKS_QUANTITY_H_
#define MULTIPROC_BENCHMARKS_QUANTITY_H_

#include <string>

#include "absl/strings/string_view.h"

namespace multiproc {

// Three digits and the unit. Rates get k and M; times and sizes the next larger
// unit where that makes them shorter.
std::string FormatQuantity(double value, absl::string_view unit);

// Two or three digits: "0.081", "1.25", "12.3", "4,520".
std::string FormatRatio(double ratio);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_QUANTITY_H_
