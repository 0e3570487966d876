// Starts programs by posix_spawn(3), and functions by running this program
// again. The default on Linux and macOS.
//
//   PosixSpawnExecutor executor;
//   absl::StatusOr<Process> process =
//       executor.Spawn(Command::Program("true"));
//
// The cost of a spawn does not depend on this process's memory (glibc and macOS
// share it with the child until exec, as vfork does), and nothing of a program
// with threads is copied: the backend to use in any program. A function's child
// starts from main, and so sees no variable that was set since.
//
// A child gets descriptors 0 to 2, those that its Command names, and no other,
// whether marked close-on-exec or not: by addclosefrom_np (glibc 2.34) or
// POSIX_SPAWN_CLOEXEC_DEFAULT (macOS), elsewhere from a list that is read just
// before. It starts with no signal blocked, with SIGPIPE and SIGXFSZ at their
// defaults, and other ignored signals still ignored, so that nohup(1) works.
//
// A program with limits (limits.h) is started by running this program again, as
// functions are; Spawn returns once they are set.
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_POSIX_SPAWN_EXECUTOR_H_
#define MULTIPROC_EXECUTORS_POSIX_SPAWN_EXECUTOR_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/executor.h"

namespace multiproc {

// The backend "posix_spawn".
class PosixSpawnExecutor : public Executor {
 public:
  absl::string_view name() const override { return "posix_spawn"; }
  absl::StatusOr<Process> Spawn(const Command& command) override;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_POSIX_SPAWN_EXECUTOR_H_
