// Everything about a child that can be worked out, opened and checked before it
// exists, as CreateProcessW wants it. Windows only.
//
// Not thread-safe; a plan is used by the thread that made it.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_SPAWN_PLAN_H_
#define MULTIPROC_EXECUTORS_WINDOWS_SPAWN_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/process.h"

namespace multiproc {

struct WindowsSpawnPlan {
  // Checks `command` and prepares it. Errors as of Executor::Spawn.
  static absl::StatusOr<WindowsSpawnPlan> Make(const Command& command);

  // The program's file, and the same for messages.
  std::wstring path;
  std::string shown_path;
  std::wstring command_line;
  // NAME=value, each ended by a NUL, and a NUL behind the last.
  std::wstring environment;
  // Empty for the parent's.
  std::wstring directory;
  // A class of priority for SetPriorityClass; 0 for none.
  uint32_t priority = 0;
  // Of the child alone, with its limits.
  ScopedFileHandle job;
  // Whether it is to lead a process group of its own.
  bool leads_group = false;

  // The child's standard streams; null for none. And all that it inherits,
  // these included, each once.
  FileHandle streams[3] = {};
  std::vector<FileHandle> inherited;
  // What the C runtime of a program makes its descriptors of
  // (STARTUPINFO::lpReserved2); empty for none beyond the streams.
  std::string descriptors;

  // Inheritable copies of the above, and what was opened for the child: closed
  // in the parent with the plan.
  std::vector<ScopedFileHandle> child_ends;
  // The parent's ends.
  StdioEnds parent_ends;
  // Of a function's child; invalid for programs.
  ScopedFileHandle terminate_event;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_SPAWN_PLAN_H_
