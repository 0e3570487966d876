// Runs five tasks on a pool of three worker processes that are reused. In
// Python: Pool(3), apply_async, close, join.
//
//   ./bazelw run //examples:pool

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"

double RunTask(int name) {
  std::printf("Task %d (pid = %d) is runnig...\n", name, getpid());
  std::fflush(stdout);
  const absl::Time start = absl::Now();
  absl::BitGen random;
  absl::SleepFor(absl::Seconds(absl::Uniform(random, 0.0, 3.0)));
  const double cost = absl::ToDoubleSeconds(absl::Now() - start);
  std::printf("Task %d end cost %.2fs\n", name, cost);
  return cost;
}
MULTIPROC_FUNCTION(RunTask);

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("Current process %d\n", getpid());
  multiproc::ProcessPoolOptions options;
  options.num_workers = 3;
  absl::StatusOr<std::unique_ptr<multiproc::ProcessPool>> pool =
      multiproc::ProcessPool::Create(options);
  if (!pool.ok()) {
    std::fprintf(stderr, "%s\n", pool.status().ToString().c_str());
    return 1;
  }
  std::printf("-----------循环------------\n");
  for (int i = 0; i < 5; ++i) {
    std::printf("第%d次循环\n", i);
    (*pool)->Submit(RunTask, i);
    std::printf("第%d次循环完了\n", i);
  }
  std::printf("waiting for all subprocesses done ...\n");
  std::printf("-----------下面是close-------------\n");
  (*pool)->Close();
  std::printf("------------下面是join-----------------\n");
  const absl::Status joined = (*pool)->Join();
  std::printf("----------join完了-----------\n");
  std::printf("all subprocesses done\n");
  return joined.ok() ? 0 : 1;
}
