// What it costs at least to start a process and wait for it, by the memory that
// the parent has touched.
//
//   spawn_floor [--quick] [--rss_mib=10,1024] [--program=FILE]
//
//   posix_spawn    of /bin/true; and of FILE, whose main returns at once
//   fork_exit      fork, and _exit in the child

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
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
#include "multiproc/benchmarks/memory_sizes.h"

ABSL_FLAG(std::string, program, "",
          "A program to start that returns at once when it is told to.");

extern char** environ;

namespace multiproc {
namespace {

void WaitFor(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) Die("waitpid");
  if (status != 0) Die("the child failed; errno");
}

void ForkAndExit() {
  const pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid == 0) _exit(0);
  WaitFor(pid);
}

void SpawnProgram(const char* program, const char* argument) {
  char* const arguments[] = {const_cast<char*>(program),
                             const_cast<char*>(argument), nullptr};
  pid_t pid = 0;
  if (posix_spawn(&pid, program, nullptr, nullptr, arguments, environ) != 0) {
    Die("posix_spawn");
  }
  WaitFor(pid);
}

void Measure(const std::string& how, const std::string& program,
             int64_t rss_mib, const std::function<void()>& call) {
  for (int i = 0; i < 3; ++i) call();
  std::vector<CallTimes> repetitions;
  for (int i = 0; i < Repetitions(); ++i) {
    repetitions.push_back(TimeCalls(RepetitionTime(), 5, call));
  }
  Figure figure{"spawn", "c_floor"};
  figure.parameters = {
      {"how", how}, {"rss_mib", absl::StrCat(rss_mib)}, {"prog", program}};
  PrintCallTimes(figure, "starts_per_s", repetitions);
}

void MeasureAll(int64_t rss_mib, const std::string& program) {
  Measure("posix_spawn", "true", rss_mib,
          [] { SpawnProgram("/bin/true", nullptr); });
  Measure("fork_exit", "none", rss_mib, ForkAndExit);
  if (program.empty()) return;
  Measure("posix_spawn", "same", rss_mib,
          [&] { SpawnProgram(program.c_str(), kReturnAtOnce); });
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  multiproc::Ballast ballast;
  for (const int64_t rss_mib : multiproc::MemorySizes()) {
    ballast.GrowTo(rss_mib);
    multiproc::MeasureAll(rss_mib, absl::GetFlag(FLAGS_program));
  }
}
