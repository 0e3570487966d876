#include "multiproc/benchmarks/task_figures.h"

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure_reporter.h"
#include "multiproc/benchmarks/pool_setup.h"
#include "multiproc/benchmarks/task_bodies.h"
#include "multiproc/pool/process_pool.h"

namespace multiproc {
namespace {

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
                TaskFunction task, int64_t count) {
  const auto pool = MakePool(state, options);
  for (auto _ : state) {
    if (pool == nullptr) break;
    const Stopwatch stopwatch;
    GetAll(state, SubmitAll(*pool, task, count));
    state.counters["tasks_per_s"] =
        static_cast<double>(count) / stopwatch.Seconds();
  }
}

// One call for all tasks.
void Map(benchmark::State& state, int64_t count) {
  const auto pool = MakePool(state, Workers(2));
  std::vector<int64_t> items(static_cast<size_t>(count));
  std::iota(items.begin(), items.end(), int64_t{0});
  for (auto _ : state) {
    if (pool == nullptr) break;
    const Stopwatch stopwatch;
    const absl::StatusOr<std::vector<int64_t>> results = pool->Map(Same, items);
    const double seconds = stopwatch.Seconds();
    if (!Check(state, results.status())) return;
    if (*results != items) state.SkipWithError("a wrong result");
    state.counters["tasks_per_s"] = static_cast<double>(count) / seconds;
  }
}

// From each task's Submit to its outcome, all submitted at once.
void CompletionTimes(benchmark::State& state, const ProcessPoolOptions& options,
                     TaskFunction task, int64_t count) {
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

// Without and with spinning.
void AddRoundTrips() {
  for (const int spin_us : {0, 50}) {
    ProcessPoolOptions options = Workers(1);
    options.spin_time = absl::Microseconds(spin_us);
    AddFigures(
        absl::StrCat("pool_roundtrip/task:empty/workers:1/spin_us:", spin_us),
        [=](benchmark::State& state) { RoundTrip(state, options); });
  }
}

void AddThroughput(const std::string& task_name, TaskFunction task,
                   int num_workers, int64_t count) {
  AddFigures(absl::StrCat("pool_throughput/task:", task_name, "/workers:",
                          num_workers, "/op:submit_all/leases:default"),
             [=](benchmark::State& state) {
               Throughput(state, Workers(num_workers), task, count);
             });
}

void AddMap(int64_t count) {
  AddFigures("pool_throughput/task:empty/workers:2/op:map",
             [=](benchmark::State& state) { Map(state, count); });
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

}  // namespace

void AddTaskFigures() {
  AddRoundTrips();
  AddThroughput("empty", Same, 2, QuickOr(200000, 1000000));
  // Results that malloc keeps from one repetition to the next, as Python's do.
  AddMap(2000000);
  AddThroughput("busy10", BurnBriefly, 2, QuickOr(20000, 100000));
  AddThroughput("sleep1ms", SleepBriefly, 4, QuickOr(800, 4000));
  AddMix();
}

}  // namespace multiproc
