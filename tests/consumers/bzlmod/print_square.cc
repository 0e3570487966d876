#include <cstdio>

#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"
#include "square.h"

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  multiproc::ProcessPoolOptions options;
  options.num_workers = 3;
  auto pool = multiproc::ProcessPool::Create(options);
  if (!pool.ok()) return 1;
  multiproc::Future<double> future = (*pool)->Submit(Square, 1.5);
  absl::StatusOr<double> result = future.Get();
  std::printf("%s: %g\n", result.status().ToString().c_str(),
              result.value_or(0));
}
