// The measures with the figures of a run: ratios, and targets met or missed.
//
//   for (const Comparison& row : Compare(Measures({10, 1024}), log)) ...
//
// Stateless, and so thread-safe.

#ifndef MULTIPROC_BENCHMARKS_COMPARISON_H_
#define MULTIPROC_BENCHMARKS_COMPARISON_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/benchmarks/figure_log.h"
#include "multiproc/benchmarks/measures.h"

namespace multiproc {

struct Value {
  double number = 0;
  std::string unit = {};
  // Other processes used the machine while it was measured.
  bool disturbed = false;
};

enum class Verdict { kNoTarget, kMet, kMissed, kUnknown };

struct RivalResult {
  Rival rival = {};
  // NOT_FOUND with the reason, if it was not measured.
  absl::StatusOr<Value> value = absl::NotFoundError("not measured");
  // This library's number over the rival's; 0 if one of them is not there.
  double ratio = 0;
  Verdict verdict = Verdict::kNoTarget;
};

struct Comparison {
  Measure measure = {};
  absl::StatusOr<Value> ours = absl::NotFoundError("not measured");
  std::vector<RivalResult> rivals = {};
};

std::vector<Comparison> Compare(const std::vector<Measure>& measures,
                                const FigureLog& log);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_COMPARISON_H_
