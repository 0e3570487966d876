// What is compared with what, and the targets: the rows of the table.
//
//   for (const Measure& measure : Measures({10, 1024})) ...
//
// Stateless, and so thread-safe.

#ifndef MULTIPROC_BENCHMARKS_MEASURES_H_
#define MULTIPROC_BENCHMARKS_MEASURES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "multiproc/benchmarks/figure_log.h"

namespace multiproc {

enum class Better { kLess, kMore };

// What one of this library's figures is held against.
struct Rival {
  enum class Kind {
    kFloor,  // What the machine allows.
    kPeer,   // What another library, or this one by other options, reaches.
    kLimit,  // A number that is the target itself.
  };

  Kind kind = Kind::kPeer;
  std::string label = {};
  // The best of those that there are counts. Empty for a limit.
  std::vector<FigureKey> figures = {};
  // The target: this library's figure is at most (where less is better) or at
  // least that many times the rival's. 0 for none.
  double target_factor = 0;
  // Of a limit.
  double limit = 0;
};

struct Measure {
  // The row of the table that it belongs to: "8".
  std::string row = {};
  std::string title = {};
  Better better = Better::kLess;
  // This library's figure.
  FigureKey ours = {};
  std::vector<Rival> rivals = {};
};

// In the table's order. `rss_mib` says for which sizes of the parent starts
// were measured, growing.
std::vector<Measure> Measures(const std::vector<int64_t>& rss_mib);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_MEASURES_H_
