// Programs for whole_program_test, by their first argument:
//
//   print      prints without flushing, starts a function that prints, and
//              prints
//   die        makes a pool with busy workers, and is killed
//   daemons    starts a daemon that runs for ever, and leaves main
//   late       starts a daemon that runs for ever when daemons were killed, and
//              prints how that ends
//   fork       starts a daemon, forks a process that exits, and prints how the
//              daemon ends when its input does (POSIX)
//   leave      makes a pool that is destroyed after main, with tasks queued
//   idle       makes a pool with idle workers that hang when they exit, and is
//              killed
//   function   starts a function, and prints what comes of that
//   descend N  starts itself with N - 1, and is killed; with 0, says so
//   daemon F   closes its standard streams, and writes what a pool computes to
//              the file F

#ifndef _WIN32
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multiproc/executors/active_children.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"
#include "tests/test_os.h"

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
  multiproc::PauseForEver();
}
MULTIPROC_FUNCTION(SpinForEver);

void PrintTask(int i) { std::printf("task %d\n", i); }
MULTIPROC_FUNCTION(PrintTask);

// Also where it is destroyed after exit handlers have run.
int StartDaemons() {
  static multiproc::Process kept;
  absl::StatusOr<multiproc::Executor*> executor = multiproc::DefaultExecutor();
  multiproc::Command command = multiproc::Command::Function(SpinForEver);
  command.daemon = true;
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<multiproc::Process> child = (*executor)->Spawn(command);
    if (!child.ok()) return 1;
    kept = *std::move(child);
  }
  return 0;
}

// Called by exit after the daemons were killed, as it is registered before the
// first of them is started.
void StartLateDaemon() {
  multiproc::Command command = multiproc::Command::Function(SpinForEver);
  command.daemon = true;
  command.standard_output = multiproc::Stdio::Null();
  absl::StatusOr<multiproc::Process> child =
      (*multiproc::DefaultExecutor())->Spawn(command);
  if (!child.ok()) return;
  child->set_on_destroy(multiproc::Process::OnDestroy::kKill);
  const absl::StatusOr<multiproc::ExitStatus> end =
      child->WaitWithTimeout(absl::Seconds(20));
  std::printf("%s\n", end.ok() ? end->ToString().c_str() : "runs");
  std::fflush(stdout);
}

int StartDaemonsUntilTheEnd() {
  std::atexit(StartLateDaemon);
  return StartDaemons();
}

#ifndef _WIN32
void ReadInput() {
  while (std::getchar() != EOF) {
  }
}
MULTIPROC_FUNCTION(ReadInput);

// The forked process has this one's exit handlers.
int ForkAndExit() {
  multiproc::Command command = multiproc::Command::Function(ReadInput);
  command.daemon = true;
  command.standard_input = multiproc::Stdio::Pipe();
  absl::StatusOr<multiproc::Process> child =
      (*multiproc::DefaultExecutor())->Spawn(command);
  if (!child.ok()) return 1;
  const pid_t pid = fork();
  if (pid == 0) {
    std::printf("%zu children\n", multiproc::ActiveChildren().size());
    std::exit(0);
  }
  waitpid(pid, nullptr, 0);
  child->standard_input().reset();
  std::printf("%s\n", child->Wait()->ToString().c_str());
  return 0;
}
#endif

int Print() {
  std::printf("before\n");
  std::cout << "before stream\n";
  absl::StatusOr<multiproc::Process> child = multiproc::Spawn(PrintChild);
  if (!child.ok() || !child->Wait()->success()) return 1;
  std::printf("after\n");
  return 0;
}

int StartFunction() {
  absl::StatusOr<multiproc::Process> child = multiproc::Spawn(PrintChild);
  std::printf("%s\n", child.ok() ? child->Wait()->ToString().c_str()
                                 : child.status().ToString().c_str());
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
  multiproc::PauseForEver();
}

// As some library's static object might.
void HangAtExit() {
  std::atexit([] { multiproc::PauseForEver(); });
}
MULTIPROC_FUNCTION(HangAtExit);

int Idle() {
  const auto pool = MakePool();
  if (!pool->Submit(HangAtExit).Get().ok()) return 1;
  std::printf("idle\n");
  std::fflush(stdout);
  multiproc::PauseForEver();
}

int Descend(const char* program, int depth) {
  if (depth == 0) SpinForEver();
  const absl::StatusOr<multiproc::Process> child =
      (*multiproc::DefaultExecutor())
          ->Spawn(multiproc::Command::Program(
              program, {"descend", absl::StrCat(depth - 1)}));
  if (!child.ok()) return 1;
  multiproc::PauseForEver();
}

int Sum(int a, int b) { return a + b; }
MULTIPROC_FUNCTION(Sum);

int RunAsDaemon(const char* path) {
  multiproc::CloseStandardStreams();
  const absl::StatusOr<int> sum = MakePool()->Submit(Sum, 2, 3).Get();
  std::FILE* file = std::fopen(path, "w");
  std::fprintf(file, "%d %s", sum.value_or(0), sum.status().ToString().c_str());
  return std::fclose(file);
}

int Leave() {
  multiproc::ProcessPoolOptions options;
  options.at_exit = multiproc::AtExit::kRunAll;
  static const auto pool = *multiproc::ProcessPool::Create(options);
  for (int i = 0; i < 5; ++i) pool->Submit(PrintTask, i);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "print") return Print();
  if (what == "function") return StartFunction();
  if (what == "die") return Die();
  if (what == "daemons") return StartDaemons();
  if (what == "late") return StartDaemonsUntilTheEnd();
#ifndef _WIN32
  if (what == "fork") return ForkAndExit();
#endif
  if (what == "leave") return Leave();
  if (what == "idle") return Idle();
  if (what == "descend" && argc > 2)
    return Descend(argv[0], std::atoi(argv[2]));
  if (what == "daemon" && argc > 2) return RunAsDaemon(argv[2]);
  return 99;
}
