// Runs a program that prints figures, never for longer than it may.
//
//   ProgramResult result = RunProgram({"/usr/bin/python3", "pools.py"},
//                                     absl::Seconds(30));
//
// One program at a time.

#ifndef MULTIPROC_BENCHMARKS_PROGRAM_RUNNER_H_
#define MULTIPROC_BENCHMARKS_PROGRAM_RUNNER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace multiproc {

struct ProgramResult {
  // OK if it exited with code 0. DEADLINE_EXCEEDED if it was killed, UNKNOWN
  // with what it last wrote to standard error if it failed.
  absl::Status status;
  // Of its standard output.
  std::vector<std::string> lines;
  double seconds = 0;
  // Of one CPU, what other processes used meanwhile.
  double others_cpu = 0;
};

// The program has a process group of its own, which is killed in the end with
// all that it has left there. `scratch` is a folder for what it prints.
ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         absl::Duration timeout, const std::string& scratch);

// Makes Ctrl-C and SIGTERM end the program that runs, and then this one.
void EndProgramsOnSignals();

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_PROGRAM_RUNNER_H_
