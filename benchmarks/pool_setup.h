// What the benchmarks of pools have in common: a pool that is ready, many tasks
// at once, and the end of a benchmark that fails.
//
//   const std::unique_ptr<ProcessPool> pool = MakePool(state, Workers(2));
//   GetAll(state, SubmitAll(*pool, Same, 1000));

#ifndef MULTIPROC_BENCHMARKS_POOL_SETUP_H_
#define MULTIPROC_BENCHMARKS_POOL_SETUP_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "multiproc/pool/process_pool.h"

namespace multiproc {

// A registered function: the empty task.
int64_t Same(int64_t n);

using TaskFunction = int64_t (*)(int64_t);

// Ends the benchmark with an error, and returns false, unless `status` is OK.
bool Check(benchmark::State& state, const absl::Status& status);

ProcessPoolOptions Workers(int num_workers);

// A pool whose workers have all run tasks; null if the benchmark has ended.
std::unique_ptr<ProcessPool> MakePool(benchmark::State& state,
                                      const ProcessPoolOptions& options);

// `task` of 0, 1, 2 ...
std::vector<Future<int64_t>> SubmitAll(ProcessPool& pool, TaskFunction task,
                                       int64_t count);

// The outcome of each task must be its argument.
void GetAll(benchmark::State& state,
            const std::vector<Future<int64_t>>& futures);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_POOL_SETUP_H_
