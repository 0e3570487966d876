// What it costs at least to start as many processes at once as a pool has
// workers: from nothing until each has written a byte to a pipe. They stay, as
// workers do, until that was measured.
//
//   start_floor [--quick] --program=FILE
//
// By fork, and by posix_spawn of FILE, which is told to say when its main runs.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "multiproc/benchmarks/ballast.h"
#include "multiproc/benchmarks/bare_start.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/figure.h"
#include "multiproc/benchmarks/floors/raw_process.h"

ABSL_FLAG(std::string, program, "", "The program to start by posix_spawn.");

extern char** environ;

namespace multiproc {
namespace {

// The pipe on which children say that they run, and the one whose end tells
// them to leave.
struct Pipes {
  RawPipe ready;
  RawPipe stay;
};

using Start = std::function<pid_t(const Pipes&)>;

pid_t StartByFork(const Pipes& pipes) {
  const pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid > 0) return pid;
  close(pipes.stay.write_end);
  WriteExactly(pipes.ready.write_end, "!", 1);
  char byte = 0;
  ReadExactly(pipes.stay.read_end, &byte, 1);
  _exit(0);
}

pid_t StartBySpawn(const Pipes& pipes, const std::string& program) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes.stay.read_end, 0);
  posix_spawn_file_actions_adddup2(&actions, pipes.ready.write_end, 1);
  char* const arguments[] = {const_cast<char*>(program.c_str()),
                             const_cast<char*>(kSayReady), nullptr};
  pid_t pid = 0;
  if (posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments,
                  environ) != 0) {
    Die("posix_spawn");
  }
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

void Leave(const Pipes& pipes, const std::vector<pid_t>& pids) {
  for (const int fd : {pipes.stay.write_end, pipes.stay.read_end,
                       pipes.ready.read_end, pipes.ready.write_end}) {
    close(fd);
  }
  for (const pid_t pid : pids) waitpid(pid, nullptr, 0);
}

// Milliseconds until one, and until all of them run.
struct StartTimes {
  double first = 0;
  double all = 0;
};

StartTimes TimeStarts(int count, const Start& start) {
  const Stopwatch stopwatch;
  const Pipes pipes;
  std::vector<pid_t> pids;
  for (int i = 0; i < count; ++i) pids.push_back(start(pipes));
  StartTimes times;
  char byte = 0;
  for (int i = 0; i < count; ++i) {
    ReadExactly(pipes.ready.read_end, &byte, 1);
    if (i == 0) times.first = stopwatch.Milliseconds();
  }
  times.all = stopwatch.Milliseconds();
  Leave(pipes, pids);
  return times;
}

void Measure(const std::string& how, int count, const Start& start) {
  TimeStarts(count, start);
  std::vector<double> first, all;
  for (int i = 0; i < 3 * Repetitions(); ++i) {
    const StartTimes times = TimeStarts(count, start);
    first.push_back(times.first);
    all.push_back(times.all);
  }
  Figure figure{"pool_start", "c_floor"};
  figure.parameters = {{"ctx", how}, {"workers", absl::StrCat(count)}};
  figure.metric = "first_result";
  PrintFigure(figure, first);
  figure.metric = "all_workers";
  PrintFigure(figure, all);
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const std::string program = absl::GetFlag(FLAGS_program);
  multiproc::Ballast ballast;
  ballast.GrowTo(10);
  for (const int count : {2, 16}) {
    multiproc::Measure("fork", count, multiproc::StartByFork);
    if (program.empty()) continue;
    multiproc::Measure("posix_spawn", count,
                       [&](const multiproc::Pipes& pipes) {
                         return multiproc::StartBySpawn(pipes, program);
                       });
  }
}
