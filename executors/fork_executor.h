// Starts children by fork(2): programs by exec after it, functions in the copy
// of this process itself, which sees all of its memory as it was at that
// moment.
//
//   ForkExecutor executor;
//   absl::StatusOr<Process> process =
//       executor.Spawn(Command::Function(RunProc, "1"));
//
// A function's child keeps what a fork keeps: memory, the program's own
// descriptors, ignored signals. It does not keep: this library's descriptors
// but for those that its Command names, signal handlers (back to their
// defaults, as after exec, but for those of faults), blocked signals, and
// threads. It ends by _exit after flushing its streams, so that no exit handler
// and no static destructor of the parent runs twice.
//
// In a program with threads a forked function may hang: a lock that another
// thread held at that moment is never released in the copy (fork(2), NOTES).
// Spawn of a function therefore gives FAILED_PRECONDITION if the process has
// threads besides the caller's and this library's own, unless allow_threads is
// set. Before a fork the streams stdout and stderr are flushed, so that nothing
// is printed twice; every other stream, too, where the program has no other
// thread.
//
// The cost of a fork grows with the parent's memory: some 50 ms per GiB. Use
// PosixSpawnExecutor where that matters.
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_FORK_EXECUTOR_H_
#define MULTIPROC_EXECUTORS_FORK_EXECUTOR_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/executor.h"

namespace multiproc {

// What a ForkExecutor may do.
struct ForkExecutorOptions {
  // Fork functions also if the process has threads that this library knows
  // nothing of. Right only if none of them holds a lock that the function
  // needs.
  bool allow_threads = false;
};

// The backend "fork".
class ForkExecutor : public Executor {
 public:
  // With other options than the registered one.
  explicit ForkExecutor(ForkExecutorOptions options = {}) : options_(options) {}

  absl::string_view name() const override { return "fork"; }
  absl::StatusOr<Process> Spawn(const Command& command) override;

 private:
  const ForkExecutorOptions options_;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_FORK_EXECUTOR_H_
