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

std::string Percent(double share) {
  return absl::StrFormat("%.0f %%", share * 100);
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
  programs_left_ = programs.size();
  for (const Program& program : programs) {
    Add(program);
    --programs_left_;
  }
}

void ComparisonRun::Add(const Program& program) {
  absl::FPrintF(stderr, "[%3.0f s] %s: ", stopwatch_.Seconds(), program.name);
  const absl::StatusOr<ProgramResult> result = RunReady(program);
  if (!result.ok()) {
    absl::FPrintF(stderr, "%s\n", result.status().message());
    LogError(program, std::string(result.status().message()));
    return;
  }
  absl::FPrintF(stderr, "%.1f s, others %s of a CPU\n", result->seconds,
                Percent(result->others_cpu));
  Keep(program, *result);
}

absl::StatusOr<ProgramResult> ComparisonRun::RunReady(const Program& program) {
  const absl::StatusOr<std::string> file = MakeReady(program);
  if (!file.ok()) return file.status();
  absl::StatusOr<std::vector<std::string>> command =
      RunCommand(program, *file, toolbox_);
  if (!command.ok()) return command.status();
  command->insert(command->end(), options_.arguments.begin(),
                  options_.arguments.end());
  const absl::StatusOr<absl::Duration> time = TimeLeft();
  if (!time.ok()) return time.status();
  return RunProgram(*command, *time, scratch_.path());
}

absl::StatusOr<std::string> ComparisonRun::MakeReady(const Program& program) {
  const std::string source = absl::StrCat(options_.folder, "/", program.file);
  const std::string output = absl::StrCat(scratch_.path(), "/", program.who);
  const absl::StatusOr<std::vector<std::string>> command =
      CompileCommand(program, source, output, toolbox_);
  if (!command.ok()) return command.status();
  if (command->empty()) return source;
  const absl::StatusOr<absl::Duration> time = TimeLeft();
  if (!time.ok()) return time.status();
  const ProgramResult result = RunProgram(*command, *time, scratch_.path());
  if (result.status.ok()) return output;
  return absl::NotFoundError(
      absl::StrCat("can't be compiled: ", result.status.message()));
}

absl::StatusOr<absl::Duration> ComparisonRun::TimeLeft() const {
  constexpr int kShares = 6;
  const absl::Duration left = options_.whole_time - stopwatch_.Elapsed();
  if (left < absl::Seconds(1)) {
    return absl::DeadlineExceededError("no time was left for it");
  }
  const absl::Duration share =
      kShares * left / static_cast<double>(std::max<size_t>(programs_left_, 1));
  return std::min({left, options_.program_time, share});
}

void ComparisonRun::Keep(const Program& program, const ProgramResult& result) {
  for (const std::string& line : result.lines) {
    results_ << line << "\n";
    const absl::StatusOr<Figure> figure = ParseFigure(line);
    if (figure.ok()) Log(*figure, result.others_cpu > kDisturbingCpu);
  }
  results_ << EnvironmentLine(program, result) << std::endl;
  if (!result.status.ok()) {
    absl::FPrintF(stderr, "        %s\n", result.status.message());
    LogError(program, std::string(result.status.message()));
  }
}

void ComparisonRun::Log(const Figure& figure, bool disturbed) {
  log_.Add(figure, disturbed);
  if (!figure.error.empty()) failures_[figure.error].insert(figure.who);
}

void ComparisonRun::LogError(const Program& program, const std::string& error) {
  Figure figure;
  figure.item = program.item;
  figure.who = program.who;
  figure.error = error;
  results_ << FormatFigure(figure) << std::endl;
  Log(figure, false);
}

}  // namespace multiproc
