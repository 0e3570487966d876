// The ChildHandle of a direct child of this process, on POSIX: the only place
// that calls waitid and kill.
//
// The exit event is a pidfd where the kernel has them (Linux 5.4, for waiting
// by it), and elsewhere a pipe that a thread closes which waits for this one
// child. No SIGCHLD handler, no waitpid(-1): those belong to the program.

#ifndef MULTIPROC_EXECUTORS_POSIX_CHILD_H_
#define MULTIPROC_EXECUTORS_POSIX_CHILD_H_

#include <memory>

#include "absl/status/statusor.h"
#include "multiproc/executors/process.h"

namespace multiproc {

// Takes charge of the child `pid`, which was just started and not waited for,
// and leads a process group of its own, or does not. If that fails, the child
// is killed and collected.
absl::StatusOr<std::unique_ptr<ChildHandle>> WatchPosixChild(int pid,
                                                             bool leads_group);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_POSIX_CHILD_H_
