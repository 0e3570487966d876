// What it costs to start a child and wait for it, by backend and by the memory
// that the parent has touched.
//
//   ./bazelw run -c opt //benchmarks:executor_benchmark
//
// Names read BM_SpawnProgram/posix_spawn/rss_mib:1024. The floor is vfork's: a
// figure that does not grow with rss_mib.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"

namespace multiproc {
namespace {

void Nothing() {}
MULTIPROC_FUNCTION(Nothing);

// Memory that this process has written to, and so a fork has to map.
class Ballast {
 public:
  explicit Ballast(int64_t mib)
      : bytes_(new char[static_cast<size_t>(mib) << 20]) {
    for (size_t i = 0; i < static_cast<size_t>(mib) << 20; i += 4096) {
      bytes_[i] = 1;
    }
    benchmark::DoNotOptimize(bytes_.get());
  }

 private:
  const std::unique_ptr<char[]> bytes_;
};

void SpawnAndWait(benchmark::State& state, Executor* executor,
                  const Command& command) {
  const Ballast ballast(state.range(0));
  for (auto _ : state) {
    absl::StatusOr<Process> process = executor->Spawn(command);
    if (!process.ok() || !process->Wait().ok()) {
      state.SkipWithError(process.status().ToString().c_str());
      return;
    }
  }
}

// A program that does nothing.
Command True() {
#ifdef _WIN32
  return Command::Program("cmd.exe", {"/d", "/c", "exit"});
#else
  return Command::Program("true");
#endif
}

void RegisterAll() {
  for (const std::string& name : ExecutorNames()) {
    Executor* const executor = *ExecutorByName(name);
    for (const auto& [kind, command] :
         {std::pair("BM_SpawnProgram", True()),
          std::pair("BM_SpawnFunction", Command::Function(Nothing))}) {
      benchmark::RegisterBenchmark(
          absl::StrCat(kind, "/", name).c_str(),
          [executor, command = command](benchmark::State& state) {
            SpawnAndWait(state, executor, command);
          })
          ->ArgName("rss_mib")
          ->Arg(10)
          ->Arg(1024)
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  benchmark::Initialize(&argc, argv);
  multiproc::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
}
