// What the bytes of a task cost: in time, and in memory at both ends.

#ifndef MULTIPROC_BENCHMARKS_PAYLOAD_FIGURES_H_
#define MULTIPROC_BENCHMARKS_PAYLOAD_FIGURES_H_

namespace multiproc {

// Adds them to the benchmarks that run (figure_reporter.h).
void AddPayloadFigures();

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_PAYLOAD_FIGURES_H_
