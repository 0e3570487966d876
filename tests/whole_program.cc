// Programs for whole_program_test, by their first argument:
//
//   print    prints without flushing, starts a function that prints, and prints
//   die      makes a pool with busy workers, and is killed
//   leave    makes a pool that is destroyed after main, with tasks queued

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"

namespace {

void PrintChild() {
  std::printf("child\n");
  std::cout << "child stream\n";
}
MULTIPROC_FUNCTION(PrintChild);

// Says so on standard output, which the test reads to its end: the end comes
// once no process has it open any more.
void SpinForEver() {
  std::printf("busy\n");
  std::fflush(stdout);
  while (true) pause();
}
MULTIPROC_FUNCTION(SpinForEver);

void PrintTask(int i) { std::printf("task %d\n", i); }
MULTIPROC_FUNCTION(PrintTask);

int Print() {
  std::printf("before\n");
  std::cout << "before stream\n";
  absl::StatusOr<multiproc::Process> child = multiproc::Spawn(PrintChild);
  if (!child.ok() || !child->Wait()->success()) return 1;
  std::printf("after\n");
  return 0;
}

std::unique_ptr<multiproc::ProcessPool> MakePool() {
  multiproc::ProcessPoolOptions options;
  options.num_workers = 2;
  return *multiproc::ProcessPool::Create(options);
}

int Die() {
  const auto pool = MakePool();
  for (int i = 0; i < 10; ++i) pool->Submit(SpinForEver);
  while (true) pause();
}

int Leave() {
  static const auto pool = MakePool();
  for (int i = 0; i < 5; ++i) pool->Submit(PrintTask, i);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "print") return Print();
  if (what == "die") return Die();
  if (what == "leave") return Leave();
  return 99;
}
