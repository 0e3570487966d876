#include "multiproc/benchmarks/figure_reporter.h"

#include <map>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_split.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure.h"

ABSL_FLAG(bool, figures, false, "Print a line of JSON for each figure.");

namespace multiproc {
namespace {

// From "item/name:value/name:value".
Figure FigureOfName(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  Figure figure;
  figure.item = parts[0];
  figure.who = "multiproc";
  for (size_t i = 1; i < parts.size(); ++i) {
    figure.parameters.insert(absl::StrSplit(parts[i], absl::MaxSplits(':', 1)));
  }
  return figure;
}

}  // namespace

void FigureReporter::ReportRuns(const std::vector<Run>& runs) {
  std::map<std::string, std::vector<double>> samples;
  for (const Run& run : runs) {
    if (run.run_type != Run::RT_Iteration) continue;
    const Figure figure = FigureOfName(run.run_name.function_name);
    if (run.skipped) return PrintError(figure, run.skip_message);
    for (const auto& [metric, counter] : run.counters) {
      samples[metric].push_back(counter.value);
    }
  }
  if (runs.empty()) return;
  Figure figure = FigureOfName(runs.front().run_name.function_name);
  for (const auto& [metric, values] : samples) {
    figure.metric = metric;
    PrintFigure(figure, values);
  }
}

void AddFigures(const std::string& name,
                std::function<void(benchmark::State&)> measure) {
  benchmark::RegisterBenchmark(name.c_str(), std::move(measure))
      ->Iterations(1)
      ->Repetitions(Repetitions())
      ->ReportAggregatesOnly(false)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void InitializeFigures(int* argc, char** argv) {
  benchmark::Initialize(argc, argv);
  absl::ParseCommandLine(*argc, argv);
}

int RunFigures() {
  FigureReporter figures;
  benchmark::BenchmarkReporter* const reporter =
      absl::GetFlag(FLAGS_figures) ? &figures : nullptr;
  return benchmark::RunSpecifiedBenchmarks(reporter) > 0 ? 0 : 1;
}

}  // namespace multiproc
