// A child with all that it has started. POSIX only.

#ifndef MULTIPROC_EXECUTORS_PROCESS_TREE_H_
#define MULTIPROC_EXECUTORS_PROCESS_TREE_H_

#include "absl/status/status.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

// Kills the child `pid` of this process, whose end nobody has collected; on
// Linux its descendants; and, if `leads_group`, the members of the process
// group of that number. What is guaranteed, and the errors, are told of
// Process::KillTree. `pidfd` is one of the child (pidfd_open(2)), or
// kInvalidFileHandle: with it nothing is done to another process that has got
// the child's number, which the system collects itself where SIGCHLD is
// ignored.
absl::Status KillProcessTree(int pid, FileHandle pidfd, bool leads_group);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_PROCESS_TREE_H_
