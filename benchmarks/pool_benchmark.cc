// What a task costs, its bytes, and the pool itself.
//
//   ./bazelw run -c opt //benchmarks:pool_benchmark
//
// Names read pool_throughput/task:empty/workers:2 (figure_reporter.h).

#include "multiproc/benchmarks/bare_start.h"
#include "multiproc/benchmarks/figure_reporter.h"
#include "multiproc/benchmarks/payload_figures.h"
#include "multiproc/benchmarks/pool_cost_figures.h"
#include "multiproc/benchmarks/task_figures.h"
#include "multiproc/executors/initialize.h"

int main(int argc, char** argv) {
  if (multiproc::RanBare(argc, argv)) return 0;
  multiproc::Initialize(&argc, &argv);
  multiproc::InitializeFigures(&argc, argv);
  multiproc::AddTaskFigures();
  multiproc::AddPayloadFigures();
  multiproc::AddPoolCostFigures();
  return multiproc::RunFigures();
}
