// What a task costs: alone, waited for, and among many.
//
//   ./bazelw run -c opt //benchmarks:pool_benchmark

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"

namespace multiproc {
namespace {

int64_t Same(int64_t n) { return n; }
MULTIPROC_FUNCTION(Same);

std::unique_ptr<ProcessPool> MakePool(int num_workers, int64_t leases) {
  ProcessPoolOptions options;
  options.num_workers = num_workers;
  options.max_leased_tasks = static_cast<int>(leases);
  return *ProcessPool::Create(options);
}

// Submit and Get, one task at a time.
void BM_RoundTrip(benchmark::State& state) {
  const auto pool = MakePool(1, 1);
  for (auto _ : state) {
    if (!pool->Submit(Same, 1).Get().ok()) state.SkipWithError("no result");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RoundTrip)->UseRealTime()->Unit(benchmark::kMicrosecond);

// 100,000 tasks submitted, then all results taken, by two workers.
void BM_Throughput(benchmark::State& state) {
  constexpr int64_t kTasks = 100000;
  const auto pool = MakePool(2, state.range(0));
  for (auto _ : state) {
    std::vector<Future<int64_t>> futures;
    futures.reserve(kTasks);
    for (int64_t i = 0; i < kTasks; ++i) {
      futures.push_back(pool->Submit(Same, i));
    }
    for (int64_t i = 0; i < kTasks; ++i) {
      if (*futures[i].Get() != i) state.SkipWithError("a wrong result");
    }
  }
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(BM_Throughput)
    ->ArgName("max_leased_tasks")
    ->Arg(1)
    ->Arg(16)
    ->Arg(256)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// From nothing to the first result, and the end of the pool.
void BM_PoolOfTwo(benchmark::State& state) {
  for (auto _ : state) {
    const auto pool = MakePool(2, 1);
    if (!pool->Submit(Same, 1).Get().ok()) state.SkipWithError("no result");
  }
}
BENCHMARK(BM_PoolOfTwo)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
