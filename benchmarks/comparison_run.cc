#include "multiproc/benchmarks/comparison_run.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "multiproc/benchmarks/json_line.h"
#include "multiproc/benchmarks/machine.h"

namespace multiproc {
namespace {

// Of one CPU: beyond it figures are marked.
constexpr double kDisturbingCpu = 0.05;

// How the run of a program went, as a line beside its figures.
std::string EnvironmentLine(const Program& program,
                            const ProgramResult& result) {
  return absl::StrFormat(
      R"({"item":"env","program":%s,"ok":%s,"seconds":%.1f,"load1":%.2f,)"
      R"("others_cpu":%.3f})",
      JsonQuote(program.name), result.status.ok() ? "true" : "false",
      result.seconds, LoadAverage(), result.others_cpu);
}

}  // namespace

ComparisonRun::ComparisonRun(ComparisonRunOptions options)
    : options_(std::move(options)),
      toolbox_(options_.tool_folders),
      results_(options_.results) {
  results_ << absl::StrFormat(R"({"item":"env","machine":%s,"load1":%.2f})",
                              JsonQuote(options_.machine), LoadAverage())
           << std::endl;
}

void ComparisonRun::Add(const std::vector<Program>& programs) {
  for (auto program = programs.begin(); program != programs.end(); ++program) {
    const auto programs_left =
        std::count_if(program, programs.end(), [&](const Program& other) {
          return other.priority <= program->priority;
        });
    Add(*program, static_cast<int>(programs_left));
  }
}

void ComparisonRun::Add(const Program& program, int programs_left) {
  absl::FPrintF(stderr, "[%3.0f s] %s: ", stopwatch_.Seconds(), program.name);
  const absl::StatusOr<ProgramResult> result = RunReady(program, programs_left);
  if (!result.ok()) {
    absl::FPrintF(stderr, "%s\n", result.status().message());
    LogError(program, result.status());
    return;
  }
  absl::FPrintF(stderr, "%.1f s, others %.0f %% of a CPU\n", result->seconds,
                result->others_cpu * 100);
  Keep(program, *result);
}

absl::StatusOr<ProgramResult> ComparisonRun::RunReady(const Program& program,
                                                      int programs_left) {
  const absl::StatusOr<std::string> file = MakeReady(program, programs_left);
  if (!file.ok()) return file.status();
  absl::StatusOr<std::vector<std::string>> command =
      RunCommand(program, *file, toolbox_);
  if (!command.ok()) return command.status();
  command->insert(command->end(), options_.arguments.begin(),
                  options_.arguments.end());
  const absl::StatusOr<absl::Duration> time = TimeLeft(programs_left);
  if (!time.ok()) return time.status();
  return RunProgram(*command, *time, scratch_.path());
}

absl::StatusOr<std::string> ComparisonRun::MakeReady(const Program& program,
                                                     int programs_left) {
  const std::string source = absl::StrCat(options_.folder, "/", program.file);
  const std::string output = absl::StrCat(scratch_.path(), "/", program.who);
  const absl::StatusOr<std::vector<std::string>> command =
      CompileCommand(program, source, output, toolbox_);
  if (!command.ok()) return command.status();
  if (command->empty()) return source;
  const absl::StatusOr<absl::Duration> time = TimeLeft(programs_left);
  if (!time.ok()) return time.status();
  const ProgramResult result = RunProgram(*command, *time, scratch_.path());
  if (result.status.ok()) return output;
  return absl::NotFoundError(
      absl::StrCat("can't be compiled: ", result.status.message()));
}

absl::StatusOr<absl::Duration> ComparisonRun::TimeLeft(
    int programs_left) const {
  constexpr int kShares = 4;
  const absl::Duration left = options_.whole_time - stopwatch_.Elapsed();
  if (left < absl::Seconds(1)) {
    return absl::DeadlineExceededError("no time was left for it");
  }
  return std::min(
      {left, options_.program_time, kShares * left / programs_left});
}

void ComparisonRun::Keep(const Program& program, const ProgramResult& result) {
  for (const std::string& line : result.lines) {
    results_ << line << "\n";
    const absl::StatusOr<Figure> figure = ParseFigure(line);
    if (!figure.ok()) continue;
    log_.Add(*figure, result.others_cpu > kDisturbingCpu);
    if (!figure->error.empty()) failures_[figure->error].insert(program.name);
  }
  results_ << EnvironmentLine(program, result) << std::endl;
  if (!result.status.ok()) {
    absl::FPrintF(stderr, "        %s\n", result.status.message());
    LogError(program, result.status);
  }
}

void ComparisonRun::LogError(const Program& program,
                             const absl::Status& error) {
  Figure figure;
  figure.item = program.item;
  figure.who = program.who;
  figure.error = std::string(error.message());
  results_ << FormatFigure(figure) << std::endl;
  failures_[figure.error].insert(program.name);
  log_.Add(figure, false);
}

}  // namespace multiproc
