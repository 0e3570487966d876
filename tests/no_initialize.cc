// A program that forgets Initialize(), for whole_program_test: prints what it
// is told, and must not become many. A worker program has called it.

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "multiproc/executors/default_executor.h"
#include "multiproc/pool/process_pool.h"
#include "tests/worker_program_tasks.h"

void DoNothing() {}
MULTIPROC_FUNCTION(DoNothing);

int main() {
  std::printf("%s\n", multiproc::Spawn(DoNothing).status().ToString().c_str());
  std::printf("%s\n",
              multiproc::ProcessPool::Create().status().ToString().c_str());
  const char* const worker_program = std::getenv("WORKER_PROGRAM");
  if (worker_program == nullptr) return 0;
  multiproc::ProcessPoolOptions options;
  options.num_workers = 1;
  options.worker_program = worker_program;
  const auto pool = multiproc::ProcessPool::Create(options);
  const absl::Status status =
      pool.ok() ? (*pool)->Submit(multiproc::PathOfProgram, "").Get().status()
                : pool.status();
  std::printf("worker program: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
