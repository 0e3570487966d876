// A child with all that it has started. POSIX only.

#ifndef MULTIPROC_EXECUTORS_PROCESS_TREE_H_
#define MULTIPROC_EXECUTORS_PROCESS_TREE_H_

#include "absl/status/status.h"

namespace multiproc {

// Kills the child `pid` of this process, whose end nobody has collected; on
// Linux its descendants; and, if `leads_group`, the members of the process
// group of that number. What is guaranteed is told of Process::KillTree.
// PERMISSION_DENIED for a process of another user, all others being killed.
absl::Status KillProcessTree(int pid, bool leads_group);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_PROCESS_TREE_H_
