// What a queued task takes in plain C++: a std::promise with its packed call in
// a queue, and the std::future in a vector.
//
//   queue_floor [--quick]

#include <cstdint>
#include <deque>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure.h"
#include "multiproc/pool/resident_memory.h"

namespace multiproc {
namespace {

struct QueuedTask {
  std::string call;
  std::promise<std::string> outcome;
};

// As long as a small call's message is.
std::string PackedCall(int argument) {
  return absl::StrCat("function_1 argument ", argument + (1 << 20));
}

// In the memory of a process that has had no other queue.
void Measure(int tasks) {
  const auto before = static_cast<int64_t>(ResidentBytes().value_or(0));
  std::deque<QueuedTask> queue;
  std::vector<std::future<std::string>> futures;
  const Stopwatch stopwatch;
  for (int i = 0; i < tasks; ++i) {
    queue.push_back({PackedCall(i), {}});
    futures.push_back(queue.back().outcome.get_future());
  }
  const double seconds = stopwatch.Seconds();
  const auto after = static_cast<int64_t>(ResidentBytes().value_or(0));
  Figure figure{"queued_memory", "c_floor"};
  figure.parameters = {{"op", "std_promise"}, {"n", absl::StrCat(tasks)}};
  figure.metric = "bytes_per_task";
  PrintFigure(figure, {static_cast<double>(after - before) / tasks});
  figure.metric = "submits_per_s";
  PrintFigure(figure, {tasks / seconds});
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  multiproc::Measure(static_cast<int>(multiproc::QuickOr(300000, 1000000)));
}
