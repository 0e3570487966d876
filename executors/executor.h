// Starts processes. An Executor knows nothing of tasks: what elsewhere is
// called submitting work to an executor is ProcessPool::Submit here.
//
//   absl::StatusOr<Executor*> executor = DefaultExecutor();
//   absl::StatusOr<Process> process =
//       (*executor)->Spawn(Command::Function(RunProc, "1"));
//
// Thread-safety: every backend is thread-safe; the restrictions of the fork
// backend are in fork_executor.h.

#ifndef MULTIPROC_EXECUTORS_EXECUTOR_H_
#define MULTIPROC_EXECUTORS_EXECUTOR_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/process.h"

namespace multiproc {

// The only seam between what runs children and what uses them: implement it to
// start them in another way.
class Executor {
 public:
  virtual ~Executor() = default;

  // The backend's name, as ExecutorByName and MULTIPROC_EXECUTOR know it.
  virtual absl::string_view name() const = 0;

  // Starts what `command` describes, and returns without waiting for it.
  //   INVALID_ARGUMENT     a field of `command` is wrong (CheckCommand).
  //   NOT_FOUND            there is no such program, directory or function.
  //   PERMISSION_DENIED    the program may not be executed, or a file not
  //                        opened.
  //   FAILED_PRECONDITION  Initialize() was not called (functions only), the
  //                        backend can't be used in this state of the process,
  //                        or not by a program that is set-user-ID.
  //   UNIMPLEMENTED        this system has not what a field asks for.
  //   others               as the errno of the failed call maps.
  // A message names the step that failed (open, chdir, setrlimit, exec ...),
  // the path and errno. Nothing is left behind by a failure: no process, no
  // handle.
  virtual absl::StatusOr<Process> Spawn(const Command& command) = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_EXECUTOR_H_
