// What a pool costs to start; and its parent, by what is queued and by the
// number of workers.

#ifndef MULTIPROC_BENCHMARKS_POOL_COST_FIGURES_H_
#define MULTIPROC_BENCHMARKS_POOL_COST_FIGURES_H_

namespace multiproc {

// Adds them to the benchmarks that run (figure_reporter.h).
void AddPoolCostFigures();

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_POOL_COST_FIGURES_H_
