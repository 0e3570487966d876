// Runs five tasks on a pool of three worker processes that are reused. In
// Python: Pool(3), apply_async, close, join.
//
//   ./bazelw run //examples:pool

#include <cstdio>
#include <memory>

#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "examples/print.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"

double RunTask(int name) {
  Print("Task %d (pid = %d) is runnig...\n", name, multiproc::CurrentPid());
  const absl::Time start = absl::Now();
  absl::BitGen random;
  absl::SleepFor(absl::Seconds(absl::Uniform(random, 0.0, 3.0)));
  const double cost = absl::ToDoubleSeconds(absl::Now() - start);
  Print("Task %d end cost %.2fs\n", name, cost);
  return cost;
}
MULTIPROC_FUNCTION(RunTask);

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  Print("Current process %d\n", multiproc::CurrentPid());
  multiproc::ProcessPoolOptions options;
  options.num_workers = 3;
  absl::StatusOr<std::unique_ptr<multiproc::ProcessPool>> pool =
      multiproc::ProcessPool::Create(options);
  if (!pool.ok()) {
    std::fprintf(stderr, "%s\n", pool.status().ToString().c_str());
    return 1;
  }
  Print("-----------循环------------\n");
  for (int i = 0; i < 5; ++i) {
    Print("第%d次循环\n", i);
    (*pool)->Submit(RunTask, i);
    Print("第%d次循环完了\n", i);
  }
  Print("waiting for all subprocesses done ...\n");
  Print("-----------下面是close-------------\n");
  (*pool)->Close();
  Print("------------下面是join-----------------\n");
  const absl::Status joined = (*pool)->Join();
  Print("----------join完了-----------\n");
  Print("all subprocesses done\n");
  return joined.ok() ? 0 : 1;
}
