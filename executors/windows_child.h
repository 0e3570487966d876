// The ChildHandle of a process that this one started, on Windows. The exit
// event is the process handle itself. Windows only.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_CHILD_H_
#define MULTIPROC_EXECUTORS_WINDOWS_CHILD_H_

#include <cstdint>
#include <memory>

#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/process.h"

namespace multiproc {

struct WindowsChildParts {
  ScopedFileHandle process;
  int64_t pid = 0;
  // It, and all that it has started.
  ScopedFileHandle job;
  // Of a function's child: set, it asks the child to end (initialize.h).
  ScopedFileHandle terminate_event;
  // Of a program: whether it is in a process group of its own, which Ctrl-Break
  // can be sent to.
  bool leads_group = false;
};

std::unique_ptr<ChildHandle> MakeWindowsChild(WindowsChildParts parts);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_CHILD_H_
