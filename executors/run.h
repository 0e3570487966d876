// Runs a command to its end, with its input from a string and its outputs into
// strings: what subprocess.run(capture_output=True) is in Python.
//
//   RunOptions options;
//   options.standard_input = "b\na\n";
//   options.timeout = absl::Seconds(10);
//   absl::StatusOr<RunResult> sorted = Run(Command::Program("sort"), options);
//   if (sorted.ok() && sorted->status.success()) Use(sorted->standard_output);
//
// All is done on the caller's thread, which waits for whatever is ready: there
// is no size of input and outputs at which child and parent would wait for each
// other.
//
// Thread-safe; as Executor::Spawn is, where the fork backend runs functions.

#ifndef MULTIPROC_EXECUTORS_RUN_H_
#define MULTIPROC_EXECUTORS_RUN_H_

#include <cstddef>
#include <limits>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/executor.h"
#include "multiproc/executors/exit_status.h"

namespace multiproc {

// What may be said of a run.
struct RunOptions {
  // What the child reads. Then its input is at its end, at once if this is
  // empty. A child that ends, or closes its input, without reading all of it is
  // no error.
  std::string standard_input;

  // How long the child may run before it is killed.
  absl::Duration timeout = absl::InfiniteDuration();

  // How much it may print before it is killed, in bytes, to each of its
  // outputs.
  size_t max_output_bytes = (std::numeric_limits<size_t>::max)();

  // All that the child has printed is captured. A process that it has started,
  // and that runs on after the child's end with the same outputs (as a daemon
  // does that does not close them), may go on printing: for how long after the
  // child's end Run waits for that. The result has what came until then, and
  // whoever prints later gets EPIPE.
  absl::Duration output_grace = absl::Milliseconds(100);

  // Who starts the child, which must live until Run returns; null for the
  // DefaultExecutor.
  Executor* executor = nullptr;
};

// What came of it.
struct RunResult {
  // How the child ended, which may be by failing.
  ExitStatus status = ExitStatus::Unknown();
  // What it printed, as far as it was captured.
  std::string standard_output;
  std::string standard_error;
};

// Spawns `command`, and returns once it has ended. A stream that the Command
// leads somewhere else than to Stdio::Inherit() is left to it: its string is
// empty, and with Stdio::StandardOutput() both outputs are in
// `standard_output`, in the order in which they were printed. To leave one with
// the parent's own stream, name that: Stdio::Handle(STDERR_FILENO).
//   INVALID_ARGUMENT    the Command has a field that is wrong, or asks for a
//                       pipe, which Run could not hand on; or there is a
//                       `standard_input` for a stream that leads elsewhere.
//   DEADLINE_EXCEEDED   the child ran for longer than `timeout`. It was killed;
//                       processes that it has started were not.
//   RESOURCE_EXHAUSTED  it printed more than `max_output_bytes`, and was
//                       killed.
//   others              as of Executor::Spawn.
absl::StatusOr<RunResult> Run(const Command& command,
                              const RunOptions& options = {});

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_RUN_H_
