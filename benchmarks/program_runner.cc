#include "multiproc/benchmarks/program_runner.h"

#include <signal.h>
#include <sys/types.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "multiproc/benchmarks/call_times.h"
#include "multiproc/benchmarks/machine.h"
#include "multiproc/executors/default_executor.h"
#include "tests/read_file.h"

namespace multiproc {
namespace {

// The process group that runs, for the signal handler; 0 for none.
volatile sig_atomic_t running_group = 0;

void EndAll(int signal_number) {
  if (running_group != 0) kill(-running_group, SIGKILL);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

// A compiler's first error says more than its last line, and a traceback's last
// line more than its first.
std::string ReasonIn(const std::string& errors) {
  const std::vector<std::string> lines =
      absl::StrSplit(absl::StripAsciiWhitespace(errors), '\n');
  for (const std::string& line : lines) {
    const size_t at = line.find("error: ");
    if (at != std::string::npos) return line.substr(at + 7);
  }
  return lines.back().substr(0, 200);
}

absl::Status StatusOf(const absl::StatusOr<ExitStatus>& exit,
                      const std::string& errors) {
  if (absl::IsDeadlineExceeded(exit.status())) {
    return absl::DeadlineExceededError("killed, as it took too long");
  }
  if (!exit.ok()) return exit.status();
  if (exit->success()) return absl::OkStatus();
  return absl::UnknownError(
      absl::StrCat(exit->ToString(), ": ", ReasonIn(errors)));
}

absl::StatusOr<Process> Start(const std::vector<std::string>& arguments,
                              const std::string& output,
                              const std::string& errors) {
  Command command =
      Command::Program(arguments[0], {arguments.begin() + 1, arguments.end()});
  command.standard_input = Stdio::Null();
  command.standard_output = Stdio::WriteFile(output);
  command.standard_error = Stdio::WriteFile(errors);
  command.process_group = 0;
  const absl::StatusOr<Executor*> executor = DefaultExecutor();
  if (!executor.ok()) return executor.status();
  return (*executor)->Spawn(command);
}

// Ends what is left of the program.
void KillGroup(Process& process) {
  kill(-static_cast<pid_t>(process.pid()), SIGKILL);
  process.Kill().IgnoreError();
  process.Wait().status().IgnoreError();
}

}  // namespace

ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         absl::Duration timeout, const std::string& scratch) {
  const std::string output = absl::StrCat(scratch, "/stdout");
  const std::string errors = absl::StrCat(scratch, "/stderr");
  ProgramResult result;
  const OthersCpu others;
  const Stopwatch stopwatch;
  absl::StatusOr<Process> process = Start(arguments, output, errors);
  if (!process.ok()) {
    result.status = process.status();
    return result;
  }
  running_group = static_cast<sig_atomic_t>(process->pid());
  const absl::StatusOr<ExitStatus> exit = process->WaitWithTimeout(timeout);
  result.seconds = stopwatch.Seconds();
  result.others_cpu = others.Share(process->pid());
  KillGroup(*process);
  running_group = 0;
  result.status = StatusOf(exit, ReadFile(errors));
  result.lines = absl::StrSplit(ReadFile(output), '\n', absl::SkipEmpty());
  return result;
}

void EndProgramsOnSignals() {
  signal(SIGINT, EndAll);
  signal(SIGTERM, EndAll);
}

}  // namespace multiproc
