// All figures of a run, to pick from.
//
//   FigureLog log;
//   log.Add(*ParseFigure(line), /*disturbed=*/false);
//   const LoggedFigure* p50 =
//       log.Find({"pool_roundtrip", "multiproc", "p50", {{"workers", "1"}}});
//
// Thread-compatible, as a std::vector.

#ifndef MULTIPROC_BENCHMARKS_FIGURE_LOG_H_
#define MULTIPROC_BENCHMARKS_FIGURE_LOG_H_

#include <deque>
#include <string>

#include "multiproc/benchmarks/figure.h"

namespace multiproc {

// Which figure is meant.
struct FigureKey {
  std::string item = {};
  std::string who = {};
  std::string metric = {};
  // The figure must have these; it may have more.
  Parameters parameters = {};
};

struct LoggedFigure {
  Figure figure;
  // Other processes used the machine while it was measured.
  bool disturbed = false;
};

class FigureLog {
 public:
  void Add(Figure figure, bool disturbed);

  // The figure that was added last of those that `key` means. If there is none,
  // one with the error for which it is missing; else null. Valid until the log
  // is destroyed.
  const LoggedFigure* Find(const FigureKey& key) const;

 private:
  std::deque<LoggedFigure> figures_;
};

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_FIGURE_LOG_H_
