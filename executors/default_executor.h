// The backends of this program, and the one to use where nobody asks for
// another.
//
//   absl::StatusOr<Executor*> executor = DefaultExecutor();
//   absl::StatusOr<Executor*> fork = ExecutorByName("fork");
//   absl::StatusOr<Process> process = Spawn(RunProc, "1");  // by the default
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_DEFAULT_EXECUTOR_H_
#define MULTIPROC_EXECUTORS_DEFAULT_EXECUTOR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/executor.h"

namespace multiproc {

// The first of these that says something:
//   1. the environment variable MULTIPROC_EXECUTOR, a backend's name;
//   2. the build flag --@multiproc//executors:backend, unless "auto";
//   3. the backend linked in by --@multiproc//executors:custom_backend;
//   4. the platform: posix_spawn on Linux and macOS, windows on Windows.
// It lives as long as the program. NOT_FOUND, with the names that there are, if
// the name is unknown.
absl::StatusOr<Executor*> DefaultExecutor();

// The backend of that name, which lives as long as the program. NOT_FOUND, with
// the names that there are, for any other.
absl::StatusOr<Executor*> ExecutorByName(absl::string_view name);

// The names of all backends of this program, sorted.
std::vector<std::string> ExecutorNames();

// Adds a backend of the program's own, and makes it the default of rule 3. To
// be called before main, from a library that
// --@multiproc//executors:custom_backend names:
//
//   static const bool registered =
//       multiproc::RegisterExecutor(std::make_unique<MyExecutor>());
//
// A name that exists already is replaced. Returns true.
bool RegisterExecutor(std::unique_ptr<Executor> executor);

// Calls the registered function `fn` with `args` in a new process, started by
// the DefaultExecutor: what Process(target=fn, args=args).start() is in Python.
template <typename R, typename... P, typename... Args>
absl::StatusOr<Process> Spawn(R (*fn)(P...), const Args&... args) {
  absl::StatusOr<Executor*> executor = DefaultExecutor();
  if (!executor.ok()) return executor.status();
  return (*executor)->Spawn(Command::Function(fn, args...));
}

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_DEFAULT_EXECUTOR_H_
