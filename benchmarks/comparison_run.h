// One run of programs on this machine, and all that they say.
//
//   ComparisonRun run(options);
//   run.Add(programs);
//   Compare(measures, run.log());
//
// Thread-compatible. Prints a line for each program to standard error.

#ifndef MULTIPROC_BENCHMARKS_COMPARISON_RUN_H_
#define MULTIPROC_BENCHMARKS_COMPARISON_RUN_H_

#include <cstddef>
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
  // A file for every line that a program prints, and what its first line says.
  std::string results;
  std::string machine;
  // Added to every program's.
  std::vector<std::string> arguments;
  // The longest for one program, and for all of them from the construction on.
  absl::Duration program_time;
  absl::Duration whole_time;
};

class ComparisonRun {
 public:
  explicit ComparisonRun(ComparisonRunOptions options);

  // Runs them one after the other, and takes their figures. What one says in a
  // figure's place, or why it could not run, is logged as an error.
  void Add(const std::vector<Program>& programs);

  const FigureLog& log() const { return log_; }

  // Who could not be measured, by the reasons.
  const std::map<std::string, std::set<std::string>>& failures() const {
    return failures_;
  }

 private:
  void Add(const Program& program);
  // The file to run, compiled if need be.
  absl::StatusOr<std::string> MakeReady(const Program& program);
  absl::StatusOr<ProgramResult> RunReady(const Program& program);
  // The time that a program may take now: several times its share of what is
  // left. DEADLINE_EXCEEDED if there is none.
  absl::StatusOr<absl::Duration> TimeLeft() const;
  void Keep(const Program& program, const ProgramResult& result);
  void Log(const Figure& figure, bool disturbed);
  void LogError(const Program& program, const std::string& error);

  const ComparisonRunOptions options_;
  const Toolbox toolbox_;
  const ScratchFolder scratch_;
  const Stopwatch stopwatch_;
  std::ofstream results_;
  size_t programs_left_ = 0;
  FigureLog log_;
  std::map<std::string, std::set<std::string>> failures_;
};

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_COMPARISON_RUN_H_
