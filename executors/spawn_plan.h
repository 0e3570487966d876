// Everything about a child that can be worked out, opened and checked before it
// exists: what is left for the moment between fork and exec are system calls on
// numbers and ready-made arrays. POSIX only; shared by its backends.
//
// Not thread-safe; a plan is used by the thread that made it.

#ifndef MULTIPROC_EXECUTORS_SPAWN_PLAN_H_
#define MULTIPROC_EXECUTORS_SPAWN_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "multiproc/executors/child_failure.h"
#include "multiproc/executors/child_limits.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/process.h"

extern char** environ;

namespace multiproc {

// An array of C strings that ends with a null pointer, as exec wants it.
class CStringArray {
 public:
  void Add(std::string text) { strings_.push_back(std::move(text)); }
  // Called after the last Add; ready() is valid until the array is moved.
  void MakeReady();
  bool is_ready() const { return !pointers_.empty(); }
  char* const* ready() const { return pointers_.data(); }

 private:
  std::vector<std::string> strings_;
  std::vector<char*> pointers_;
};

// A copy of `handle` whose number is `minimum` at least.
absl::StatusOr<ScopedFileHandle> CopyHandleAbove(FileHandle handle,
                                                 int minimum);

struct SpawnPlan {
  struct Move {
    int from;
    int to;
  };

  // How the child is to be made.
  enum class Start {
    // exec of the program, or of this program again for a function. The caller
    // sets `limits` before.
    kExec,
    // The same by posix_spawn, where nobody can set them: this program is run
    // again for all that has limits, and sets them.
    kPosixSpawn,
    // fork alone, for a function: descriptors stay what they are, but for the
    // standard streams.
    kForkOnly,
  };

  // Checks `command` and prepares it. Errors as of Executor::Spawn.
  static absl::StatusOr<SpawnPlan> Make(const Command& command, Start start);

  // Path for exec; empty for kForkOnly.
  std::string path;
  // The program that is run in the end, for messages.
  std::string program_path;
  CStringArray arguments;
  // The child's environment: this process's own where nothing changes.
  char** environment() const {
    return changed_environment.is_ready()
               ? const_cast<char**>(changed_environment.ready())
               : environ;
  }
  // The open working directory, for fchdir.
  ScopedFileHandle directory;
  // dup2 in this order. No source is a target of an earlier move.
  std::vector<Move> moves;
  // After the moves, the child of an exec closes every descriptor from here on.
  int first_closed = 3;
  // What a forked function keeps of this library's descriptors.
  std::vector<int> kept;
  std::optional<int64_t> process_group;
  bool new_session = false;
  // Whether the child leads a process group of its own.
  bool leads_group() const { return new_session || process_group == 0; }
  // What the caller is to set, in the child.
  std::optional<ChildLimits> limits;
  // What a child that sets them itself tells of a failure through: the parent's
  // end; the other is in `child_ends`.
  ScopedFileHandle failure_pipe;
  // The child's ends; closed in the parent with the plan.
  std::vector<ScopedFileHandle> child_ends;
  // The parent's ends.
  StdioEnds parent_ends;

  // See environment(). Not ready where nothing changes.
  CStringArray changed_environment;
};

// Why the exec of `plan` failed with `error`, which may be its interpreter's
// fault.
absl::Status ExecError(const SpawnPlan& plan, int error);

// What the child of `plan` has told of.
absl::Status FailureError(const SpawnPlan& plan, const ChildFailure& failure);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_SPAWN_PLAN_H_
