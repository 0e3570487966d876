// Runs tasks in the program whose path is its argument, and says how long it
// takes from the pool's making to the first answer, in the program and in
// copies of itself.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"
#include "tasks.h"

namespace {

// The shortest of several times, or none where the answer is not 55, or another
// program's.
absl::StatusOr<absl::Duration> TimeToAnswer(const std::string& program) {
  absl::Duration shortest = absl::InfiniteDuration();
  for (int i = 0; i < 10; ++i) {
    const absl::Time start = absl::Now();
    multiproc::ProcessPoolOptions options;
    options.num_workers = 1;
    options.worker_program = program;
    auto pool = multiproc::ProcessPool::Create(options);
    if (!pool.ok()) return pool.status();
    const absl::StatusOr<int64_t> answer = (*pool)->Submit(Fibonacci, 10).Get();
    if (!answer.ok()) return answer.status();
    if (*answer != 55) return absl::InternalError("not 55");
    const absl::StatusOr<bool> is_worker =
        (*pool)->Submit(InWorkerProgram).Get();
    if (!is_worker.ok()) return is_worker.status();
    if (*is_worker == program.empty()) {
      return absl::InternalError("it ran in the wrong program");
    }
    shortest = std::min(shortest, absl::Now() - start);
  }
  return shortest;
}

}  // namespace

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  const absl::StatusOr<absl::Duration> there = TimeToAnswer(argv[1]);
  const absl::StatusOr<absl::Duration> here = TimeToAnswer("");
  std::printf("the program: %s, %.2f ms; this one: %s, %.2f ms\n",
              there.status().ToString().c_str(),
              absl::ToDoubleMilliseconds(there.value_or(absl::Duration())),
              here.status().ToString().c_str(),
              absl::ToDoubleMilliseconds(here.value_or(absl::Duration())));
  return there.ok() && here.ok() ? 0 : 1;
}
