// Google Benchmark's results as figures.
//
//   AddFigures("pool_roundtrip/workers:1", [](benchmark::State& state) {
//     for (auto _ : state) {
//       state.counters["p50"] = ...;
//     }
//   });
//   return RunFigures(&argc, argv);  // the rest of main
//
// A benchmark's name has the item, and then its parameters; each of its
// counters is a metric, of which every repetition gives one sample. By hand
// such a program prints Google Benchmark's table; with --figures, a line for
// each figure (figure.h).

#ifndef MULTIPROC_BENCHMARKS_FIGURE_REPORTER_H_
#define MULTIPROC_BENCHMARKS_FIGURE_REPORTER_H_

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

namespace multiproc {

// A benchmark that runs once for each repetition, and measures by itself.
void AddFigures(const std::string& name,
                std::function<void(benchmark::State&)> measure);

// Reads the command line. To be called before AddFigures.
void InitializeFigures(int* argc, char** argv);

// Runs what was added and is chosen by --benchmark_filter. Returns main's code.
int RunFigures();

class FigureReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  // All repetitions of one benchmark.
  void ReportRuns(const std::vector<Run>& runs) override;
};

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_FIGURE_REPORTER_H_
