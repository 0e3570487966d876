#include "multiproc/benchmarks/pool_cost_figures.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/benchmarks/ballast.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure_reporter.h"
#include "multiproc/benchmarks/pool_setup.h"
#include "multiproc/benchmarks/process_usage.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/pool/resident_memory.h"

namespace multiproc {
namespace {

void SleepLong() { absl::SleepFor(absl::Hours(1)); }
MULTIPROC_FUNCTION(SleepLong);

int64_t WorkerPid() { return CurrentPid(); }
MULTIPROC_FUNCTION(WorkerPid);

// From nothing to the first answer, and until each worker has given one. Each
// gets its first task before any gets a second (max_leased_tasks).
void PoolStart(benchmark::State& state, const std::string& backend,
               int num_workers) {
  Ballast ballast;
  ballast.GrowTo(10);
  ProcessPoolOptions options = Workers(num_workers);
  options.executor = *ExecutorByName(backend);
  options.max_leased_tasks = 1;
  for (auto _ : state) {
    const Stopwatch stopwatch;
    auto pool = ProcessPool::Create(options);
    if (!Check(state, pool.status())) return;
    std::set<int64_t> pids;
    while (pids.size() < static_cast<size_t>(num_workers)) {
      std::vector<Future<int64_t>> futures;
      for (int i = 0; i < num_workers; ++i) {
        futures.push_back((*pool)->Submit(WorkerPid));
      }
      for (const Future<int64_t>& future : futures) {
        const absl::StatusOr<int64_t> pid = future.Get();
        if (!Check(state, pid.status())) return;
        if (pids.empty()) {
          state.counters["first_result"] = stopwatch.Milliseconds();
        }
        pids.insert(*pid);
      }
    }
    state.counters["all_workers"] = stopwatch.Milliseconds();
  }
}

// What a task and its future take, queued behind a worker that is busy.
void QueuedMemory(benchmark::State& state, int64_t count) {
  const auto pool = MakePool(state, Workers(1));
  for (auto _ : state) {
    if (pool == nullptr) break;
    ReleaseFreedMemory();
    const std::optional<uint64_t> before = ResidentBytes();
    if (!before.has_value()) {
      return state.SkipWithError("the system does not tell its memory");
    }
    pool->Submit(SleepLong);
    const Stopwatch stopwatch;
    const auto futures = SubmitAll(*pool, Same, count);
    state.counters["submits_per_s"] =
        static_cast<double>(count) / stopwatch.Seconds();
    absl::SleepFor(absl::Milliseconds(200));  // the owner thread takes them
    state.counters["bytes_per_task"] =
        (static_cast<double>(ResidentBytes().value_or(0)) -
         static_cast<double>(*before)) /
        static_cast<double>(count);
    pool->Terminate();
    if (pool->Join().code() == absl::StatusCode::kUnavailable) {
      state.SkipWithError("the pool failed");
    }
  }
}

// Waits until each of the workers has started and answered, which is not to be
// counted as the tasks' cost.
bool AwaitAllWorkers(benchmark::State& state, ProcessPool& pool) {
  const auto futures = pool.Broadcast(Same, int64_t{0});
  if (!Check(state, futures.status())) return false;
  for (const Future<int64_t>& future : *futures) {
    if (!Check(state, future.Get().status())) return false;
  }
  return true;
}

// What many workers cost the parent.
void ManyWorkers(benchmark::State& state, int num_workers, int64_t count) {
  if (!Check(state, AllowHandlesAndProcesses(3 * num_workers + 100,
                                             num_workers + 100))) {
    return;
  }
  const absl::StatusOr<int64_t> handles_before = CountHandles();
  if (!Check(state, handles_before.status())) return;
  ProcessPoolOptions options = Workers(num_workers);
  options.executor = *ExecutorByName("fork");
  const auto pool = MakePool(state, options);
  for (auto _ : state) {
    if (pool == nullptr || !AwaitAllWorkers(state, *pool)) break;
    const absl::Duration cpu_before = *CpuTime();
    GetAll(state, SubmitAll(*pool, Same, count));
    state.counters["cpu_per_task"] =
        absl::ToDoubleMicroseconds(*CpuTime() - cpu_before) /
        static_cast<double>(count);
    state.counters["threads"] = static_cast<double>(*CountThreads());
    state.counters["handles_per_worker"] =
        static_cast<double>(*CountHandles() - *handles_before) / num_workers;
  }
}

void AddPoolStarts() {
  for (const std::string& backend : ExecutorNames()) {
    for (const int num_workers : {2, 16}) {
      AddFigures(
          absl::StrCat("pool_start/ctx:", backend, "/workers:", num_workers),
          [=](benchmark::State& state) {
            PoolStart(state, backend, num_workers);
          });
    }
  }
}

void AddParentCosts() {
  AddFigures(
      "queued_memory/op:submit",
      [](benchmark::State& state) { QueuedMemory(state, 1000000); },
      FewRepetitions());
  for (const int num_workers : {10, 1000}) {
    AddFigures(
        absl::StrCat("many_workers/workers:", num_workers),
        [=](benchmark::State& state) {
          ManyWorkers(state, num_workers, QuickOr(30000, 100000));
        },
        FewRepetitions());
  }
}

}  // namespace

void AddPoolCostFigures() {
  AddPoolStarts();
  AddParentCosts();
}

}  // namespace multiproc
