// Starts programs by CreateProcessW, and functions by running this program
// again. The only backend of Windows, and its default.
//
//   WindowsExecutor executor;
//   absl::StatusOr<Process> process =
//       executor.Spawn(Command::Program("where.exe", {"cmd"}));
//
// A child inherits its standard streams, the handles that its Command names,
// and no other, also when many threads spawn at once
// (PROC_THREAD_ATTRIBUTE_HANDLE_LIST). The C runtime of a program finds the
// named ones as descriptors 3, 4 and so on.
//
// All text is UTF-8. Arguments arrive as they are in programs that read them by
// the rules of CommandLineToArgvW or of Microsoft's C runtime, which is nearly
// all (windows_command_line.h); batch files, which don't, are refused with
// INVALID_ARGUMENT.
//
// Every child is from its first moment in a job object of this process, which
// ends it, and all that it started, when this process ends: no matter how, and
// also where its Process was detached. Within that it has one of its own, with
// its limits, by which Process::KillTree ends it with all that it started.
//
// Terminate of a function's child does what SIGTERM does on POSIX, by a handler
// that it set with signal(SIGTERM, ...) or by ending it. A program gets
// Ctrl-Break if it was started with process_group = 0 and shares the console of
// this process; else Terminate gives FAILED_PRECONDITION. Kill is
// TerminateProcess.
//
// docs/windows.md has what else is different from POSIX. Thread-safe.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_EXECUTOR_H_
#define MULTIPROC_EXECUTORS_WINDOWS_EXECUTOR_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/executor.h"

namespace multiproc {

// How a WindowsExecutor starts children.
struct WindowsExecutorOptions {
  // Whether children join the job as Windows before 10 has it, also where it
  // could be done at once: they are started suspended, put into the job, and
  // resumed. Were this process to end in between, such a child would stay.
  bool join_job_suspended = false;
};

// The backend "windows".
class WindowsExecutor : public Executor {
 public:
  // With other options than the registered one.
  explicit WindowsExecutor(WindowsExecutorOptions options = {})
      : options_(options) {}

  absl::string_view name() const override { return "windows"; }
  absl::StatusOr<Process> Spawn(const Command& command) override;

 private:
  const WindowsExecutorOptions options_;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_EXECUTOR_H_
