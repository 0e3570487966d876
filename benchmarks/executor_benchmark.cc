// What it costs to start a child and wait for it, by backend and by the memory
// that the parent has touched.
//
//   ./bazelw run -c opt //benchmarks:executor_benchmark
//
// Names read spawn/how:posix_spawn/rss_mib:1024, of the program `true`, and
// function_start/... of a function that does nothing.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multiproc/benchmarks/ballast.h"
#include "multiproc/benchmarks/bare_start.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure_reporter.h"
#include "multiproc/benchmarks/memory_sizes.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"

namespace multiproc {
namespace {

void Nothing() {}
MULTIPROC_FUNCTION(Nothing);

Ballast& GetBallast() {
  static Ballast* const ballast = new Ballast;
  return *ballast;
}

// A program that does nothing.
Command True() {
#ifdef _WIN32
  return Command::Program("cmd.exe", {"/d", "/c", "exit"});
#else
  return Command::Program("/bin/true");
#endif
}

void SpawnAndWait(benchmark::State& state, Executor* executor,
                  const Command& command) {
  const auto call = [&] {
    absl::StatusOr<Process> process = executor->Spawn(command);
    if (process.ok() && process->Wait().ok()) return;
    state.SkipWithError(process.status().ToString().c_str());
  };
  for (int i = 0; i < 3; ++i) call();
  for (auto _ : state) {
    const CallTimes times = TimeCalls(RepetitionTime(), 5, call);
    state.counters["p50"] = times.p50();
    state.counters["p99"] = times.p99();
    state.counters["starts_per_s"] = times.per_second();
  }
}

void AddSpawns(const std::string& item, const std::string& backend,
               const Command& command, int64_t rss_mib) {
  Executor* const executor = *ExecutorByName(backend);
  AddFigures(absl::StrCat(item, "/how:", backend, "/rss_mib:", rss_mib),
             [=](benchmark::State& state) {
               GetBallast().GrowTo(rss_mib);
               SpawnAndWait(state, executor, command);
             });
}

// In the order of the memory, which is never given back.
void AddAll() {
  for (const int64_t rss_mib : MemorySizes()) {
    for (const std::string& backend : ExecutorNames()) {
      AddSpawns("spawn", backend, True(), rss_mib);
      AddSpawns("function_start", backend, Command::Function(Nothing), rss_mib);
    }
  }
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  if (multiproc::RanBare(argc, argv)) return 0;
  multiproc::Initialize(&argc, &argv);
  multiproc::InitializeFigures(&argc, argv);
  multiproc::AddAll();
  return multiproc::RunFigures();
}
