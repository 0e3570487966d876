// One run of programs on this machine, and all that they say.
//
//   ComparisonRun run(options);
//   for (const Program& program : programs) run.Add(program);
//   Compare(measures, run.log());
//
// Thread-compatible. Prints a line for each program to standard error.

#ifndef MULTIPROC_BENCHMARKS_COMPARISON_RUN_H_
#define MULTIPROC_BENCHMARKS_COMPARISON_RUN_H_

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/figure.h"
#include "multiproc/benchmarks/figure_log.h"
#include "multiproc/benchmarks/program_runner.h"
#include "multiproc/benchmarks/programs.h"
#include "multiproc/benchmarks/scratch_folder.h"
#include "multiproc/benchmarks/toolbox.h"

namespace multiproc {

struct ComparisonRunOptions {
  // Where the programs and the sources are.
  std::string folder;
  // Folders to look for interpreters and compilers in before PATH.
  std::vector<std::string> tool_folders;
  // A file for every line that a program prints.
  std::string results;
  // Added to every program's.
  std::vector<std::string> arguments;
  // For one program, and for all of them from the construction on.
  absl::Duration program_time;
  absl::Duration whole_time;
};

class ComparisonRun {
 public:
  explicit ComparisonRun(ComparisonRunOptions options);

  // Runs it, and takes its figures. What it says in a figure's place, or why it
  // could not run, is logged as an error.
  void Add(const Program& program);

  const FigureLog& log() const { return log_; }

  // Who could not be measured, by the reasons.
  const std::map<std::string, std::set<std::string>>& failures() const {
    return failures_;
  }

 private:
  // The file to run, compiled if need be.
  absl::StatusOr<std::string> MakeReady(const Program& program);
  absl::StatusOr<ProgramResult> RunReady(const Program& program);
  // The time that a program may take now. DEADLINE_EXCEEDED if there is none.
  absl::StatusOr<absl::Duration> TimeLeft() const;
  void Keep(const Program& program, const ProgramResult& result);
  void Log(const Figure& figure, bool disturbed);
  void LogError(const Program& program, const std::string& error);

  const ComparisonRunOptions options_;
  const Toolbox toolbox_;
  const ScratchFolder scratch_;
  const Stopwatch stopwatch_;
  std::ofstream results_;
  FigureLog log_;
  std::map<std::string, std::set<std::string>> failures_;
};

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_COMPARISON_RUN_H_
