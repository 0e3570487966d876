// What a task costs: alone and waited for, and among many.

#ifndef MULTIPROC_BENCHMARKS_TASK_FIGURES_H_
#define MULTIPROC_BENCHMARKS_TASK_FIGURES_H_

namespace multiproc {

// Adds them to the benchmarks that run (figure_reporter.h).
void AddTaskFigures();

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_TASK_FIGURES_H_
