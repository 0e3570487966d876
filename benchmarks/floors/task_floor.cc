// The ideal of a pool's tasks: as many processes as it has workers, each of
// which has its share of the tasks from the start, and just runs them.
//
//   task_floor [--quick]

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure.h"
#include "multiproc/benchmarks/floors/raw_process.h"
#include "multiproc/benchmarks/task_bodies.h"

namespace multiproc {
namespace {

// One byte starts the child, one byte says that it is done.
void RunShare(int in, int out, int64_t count,
              const std::function<void()>& task) {
  char byte = 0;
  WriteExactly(out, &byte, 1);
  if (!ReadExactly(in, &byte, 1)) return;
  for (int64_t i = 0; i < count; ++i) task();
  WriteExactly(out, &byte, 1);
}

double TasksPerSecond(int num_processes, int64_t count,
                      const std::function<void()>& task) {
  const int64_t share = count / num_processes;
  std::vector<PipedChild> children;
  for (int i = 0; i < num_processes; ++i) {
    children.emplace_back(
        0, [&](int in, int out) { RunShare(in, out, share, task); });
  }
  char byte = 0;
  for (const PipedChild& child : children) ReadExactly(child.from(), &byte, 1);
  const Stopwatch stopwatch;
  for (const PipedChild& child : children) WriteExactly(child.to(), &byte, 1);
  for (const PipedChild& child : children) ReadExactly(child.from(), &byte, 1);
  return static_cast<double>(share * num_processes) / stopwatch.Seconds();
}

void Measure(const std::string& name, int num_processes, int64_t count,
             const std::function<void()>& task) {
  std::vector<double> samples;
  for (int i = 0; i < Repetitions(); ++i) {
    samples.push_back(TasksPerSecond(num_processes, count, task));
  }
  Figure figure{"pool_throughput", "c_floor"};
  figure.parameters = {{"task", name},
                       {"workers", absl::StrCat(num_processes)},
                       {"op", "no_pool"}};
  figure.metric = "tasks_per_s";
  PrintFigure(figure, samples);
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  multiproc::Measure("busy10", 2, multiproc::QuickOr(20000, 100000),
                     multiproc::BurnTenMicroseconds);
  multiproc::Measure("sleep1ms", 4, multiproc::QuickOr(800, 4000),
                     multiproc::SleepOneMillisecond);
}
