// What a task costs: alone and waited for, among many, by its bytes; what a
// pool costs to start; and what is queued, and many workers, cost the parent.
//
//   ./bazelw run -c opt //benchmarks:pool_benchmark
//
// Names read pool_throughput/task:empty/workers:2 (figure_reporter.h).

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/benchmarks/ballast.h"
#include "multiproc/benchmarks/bare_start.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure_reporter.h"
#include "multiproc/benchmarks/process_usage.h"
#include "multiproc/benchmarks/task_bodies.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"

namespace multiproc {
namespace {

int64_t Same(int64_t n) { return n; }
MULTIPROC_FUNCTION(Same);

int64_t BurnBriefly(int64_t n) {
  BurnTenMicroseconds();
  return n;
}
MULTIPROC_FUNCTION(BurnBriefly);

// Every hundredth task is long.
int64_t BurnSeldom(int64_t n) {
  if (n % 100 == 0) Burn(absl::Milliseconds(2));
  return n;
}
MULTIPROC_FUNCTION(BurnSeldom);

int64_t SleepBriefly(int64_t n) {
  SleepOneMillisecond();
  return n;
}
MULTIPROC_FUNCTION(SleepBriefly);

void SleepLong() { absl::SleepFor(absl::Hours(1)); }
MULTIPROC_FUNCTION(SleepLong);

std::string Echo(const std::string& bytes) { return bytes; }
MULTIPROC_FUNCTION(Echo);

int64_t WorkerPid() { return CurrentPid(); }
MULTIPROC_FUNCTION(WorkerPid);

absl::StatusOr<int64_t> WorkerPeakBytes() { return PeakResidentBytes(); }
MULTIPROC_FUNCTION(WorkerPeakBytes);

using Task = int64_t (*)(int64_t);

// Ends the benchmark with an error, unless `status` is OK.
bool Check(benchmark::State& state, const absl::Status& status) {
  if (!status.ok()) state.SkipWithError(status.ToString().c_str());
  return status.ok();
}

ProcessPoolOptions Workers(int num_workers) {
  ProcessPoolOptions options;
  options.num_workers = num_workers;
  return options;
}

// A pool whose workers are ready, or null, and the benchmark has ended.
std::unique_ptr<ProcessPool> MakePool(benchmark::State& state,
                                      const ProcessPoolOptions& options) {
  absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
      ProcessPool::Create(options);
  if (!Check(state, pool.status())) return nullptr;
  std::vector<Future<int64_t>> first;
  for (int i = 0; i < 50 * options.num_workers; ++i) {
    first.push_back((*pool)->Submit(Same, int64_t{i}));
  }
  for (const Future<int64_t>& future : first) {
    if (!Check(state, future.Get().status())) return nullptr;
  }
  return *std::move(pool);
}

std::vector<Future<int64_t>> SubmitAll(ProcessPool& pool, Task task,
                                       int64_t count) {
  std::vector<Future<int64_t>> futures;
  futures.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) futures.push_back(pool.Submit(task, i));
  return futures;
}

// The outcome of task i must be i.
void GetAll(benchmark::State& state,
            const std::vector<Future<int64_t>>& futures) {
  for (size_t i = 0; i < futures.size(); ++i) {
    const absl::StatusOr<int64_t> outcome = futures[i].Get();
    if (!Check(state, outcome.status())) return;
    if (*outcome != static_cast<int64_t>(i)) {
      state.SkipWithError("a wrong result");
    }
  }
}

// Submit and Get, one task at a time.
void RoundTrip(benchmark::State& state, const ProcessPoolOptions& options) {
  const auto pool = MakePool(state, options);
  for (auto _ : state) {
    if (pool == nullptr) break;
    const auto call = [&] {
      Check(state, pool->Submit(Same, int64_t{1}).Get().status());
    };
    TimeCalls(RepetitionTime() / 4, 100, call);
    const CallTimes times = TimeCalls(RepetitionTime(), 100, call);
    state.counters["p50"] = times.p50();
    state.counters["p99"] = times.p99();
    state.counters["rt_per_s"] = times.per_second();
  }
}

// All tasks submitted, then all results taken.
void Throughput(benchmark::State& state, const ProcessPoolOptions& options,
                Task task, int64_t count) {
  const auto pool = MakePool(state, options);
  for (auto _ : state) {
    if (pool == nullptr) break;
    const Stopwatch stopwatch;
    GetAll(state, SubmitAll(*pool, task, count));
    state.counters["tasks_per_s"] =
        static_cast<double>(count) / stopwatch.Seconds();
  }
}

// From each task's Submit to its outcome, all submitted at once.
void CompletionTimes(benchmark::State& state, const ProcessPoolOptions& options,
                     Task task, int64_t count) {
  const auto pool = MakePool(state, options);
  for (auto _ : state) {
    if (pool == nullptr) break;
    std::vector<double> microseconds(static_cast<size_t>(count));
    const Stopwatch stopwatch;
    for (int64_t i = 0; i < count; ++i) {
      double* const took = &microseconds[static_cast<size_t>(i)];
      const double submitted = stopwatch.Microseconds();
      pool->Submit(task, i).OnDone(
          [=, &stopwatch](const absl::StatusOr<int64_t>&) {
            *took = stopwatch.Microseconds() - submitted;
          });
    }
    pool->Close();
    if (!Check(state, pool->Join())) return;
    const CallTimes times(std::move(microseconds));
    state.counters["mean"] = times.mean();
    state.counters["p99"] = times.p99();
  }
}

ProcessPoolOptions EchoOptions(size_t size) {
  ProcessPoolOptions options = Workers(1);
  options.max_frame_bytes = size + (1 << 20);
  return options;
}

// The size of what is sent, counted once, over the time until it is back.
void EchoBandwidth(benchmark::State& state, size_t size) {
  const auto pool = MakePool(state, EchoOptions(size));
  const std::string bytes(size, 'x');
  for (auto _ : state) {
    if (pool == nullptr) break;
    const auto call = [&] {
      const absl::StatusOr<std::string> echo = pool->Submit(Echo, bytes).Get();
      if (Check(state, echo.status()) && echo->size() != size) {
        state.SkipWithError("a wrong result");
      }
    };
    call();
    const CallTimes times = TimeCalls(RepetitionTime(), 3, call);
    state.counters["bandwidth"] =
        times.per_second() * static_cast<double>(size) / 1e6;
  }
}

// The parent's or the worker's greatest memory during one echo, less what it
// had before, in payloads. The caller gives its own copy up after Submit.
void EchoMemory(
    benchmark::State& state, size_t size,
    const std::function<absl::StatusOr<int64_t>(ProcessPool&)>& peak_bytes) {
  const auto pool = MakePool(state, EchoOptions(size));
  for (auto _ : state) {
    if (pool == nullptr) break;
    ReleaseFreedMemory();
    if (!Check(state, ResetPeakResidentBytes())) return;
    const absl::StatusOr<int64_t> before = peak_bytes(*pool);
    if (!Check(state, before.status())) return;
    auto bytes = std::make_unique<std::string>(size, 'x');
    const Future<std::string> future = pool->Submit(Echo, *bytes);
    bytes.reset();
    if (!Check(state, future.Get().status())) return;
    state.counters["payloads"] =
        static_cast<double>(*peak_bytes(*pool) - *before) /
        static_cast<double>(size);
  }
}

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
    const absl::StatusOr<int64_t> before = ResidentBytes();
    if (!Check(state, before.status())) return;
    pool->Submit(SleepLong);
    const Stopwatch stopwatch;
    const auto futures = SubmitAll(*pool, Same, count);
    state.counters["submits_per_s"] =
        static_cast<double>(count) / stopwatch.Seconds();
    absl::SleepFor(absl::Milliseconds(200));  // the owner thread takes them
    state.counters["bytes_per_task"] =
        static_cast<double>(*ResidentBytes() - *before) /
        static_cast<double>(count);
    pool->Terminate();
    if (pool->Join().code() == absl::StatusCode::kUnavailable) {
      state.SkipWithError("the pool failed");
    }
  }
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
    if (pool == nullptr) break;
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

void AddRoundTrips() {
  AddFigures("pool_roundtrip/task:empty/workers:1/spin_us:0",
             [](benchmark::State& state) { RoundTrip(state, Workers(1)); });
}

void AddThroughput(const std::string& task_name, Task task, int num_workers,
                   int64_t count) {
  AddFigures(absl::StrCat("pool_throughput/task:", task_name, "/workers:",
                          num_workers, "/op:submit_all/leases:default"),
             [=](benchmark::State& state) {
               Throughput(state, Workers(num_workers), task, count);
             });
}

// Leases that are chosen by the pool, and one at a time.
void AddMix() {
  constexpr int64_t kTasks = 20000;
  for (const bool one : {false, true}) {
    ProcessPoolOptions options = Workers(2);
    if (one) options.max_leased_tasks = 1;
    const std::string parameters = absl::StrCat(
        "/task:mix/workers:2/op:submit_all/leases:", one ? "1" : "default");
    AddFigures("pool_throughput" + parameters, [=](benchmark::State& state) {
      Throughput(state, options, BurnSeldom, kTasks);
    });
    AddFigures("pool_completion" + parameters, [=](benchmark::State& state) {
      CompletionTimes(state, options, BurnSeldom, kTasks);
    });
  }
}

void AddEchoes() {
  for (const size_t size : {1 << 10, 1 << 20, 64 << 20}) {
    AddFigures(absl::StrCat("payload_echo/size:", size),
               [=](benchmark::State& state) { EchoBandwidth(state, size); });
  }
  constexpr size_t kLarge = 64 << 20;
  AddFigures("payload_memory/of:parent", [](benchmark::State& state) {
    EchoMemory(state, kLarge, [](ProcessPool&) { return PeakResidentBytes(); });
  });
  AddFigures("payload_memory/of:worker", [](benchmark::State& state) {
    EchoMemory(state, kLarge, [](ProcessPool& pool) {
      return pool.Submit(WorkerPeakBytes).Get();
    });
  });
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
  AddFigures("queued_memory/op:submit",
             [](benchmark::State& state) { QueuedMemory(state, 1000000); });
  for (const int num_workers : {10, 1000}) {
    AddFigures(absl::StrCat("many_workers/workers:", num_workers),
               [=](benchmark::State& state) {
                 ManyWorkers(state, num_workers, QuickOr(30000, 100000));
               });
  }
}

void AddAll() {
  AddRoundTrips();
  AddThroughput("empty", Same, 2, QuickOr(200000, 1000000));
  AddThroughput("busy10", BurnBriefly, 2, QuickOr(20000, 100000));
  AddThroughput("sleep1ms", SleepBriefly, 4, QuickOr(800, 4000));
  AddMix();
  AddEchoes();
  AddPoolStarts();
  AddParentCosts();
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
