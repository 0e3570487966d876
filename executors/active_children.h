// Which children this process has: multiprocessing.active_children() of Python.
//
//   for (const ActiveChild& child : ActiveChildren()) {
//     LOG(INFO) << child.name << " (" << child.pid << ") still runs";
//   }
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_ACTIVE_CHILDREN_H_
#define MULTIPROC_EXECUTORS_ACTIVE_CHILDREN_H_

#include <cstdint>
#include <string>
#include <vector>

namespace multiproc {

// A child that runs.
struct ActiveChild {
  // Its process id.
  int64_t pid = 0;
  std::string name;     // Process::name.
  bool daemon = false;  // Command::daemon.
};

// The children that this process has started by any Executor and that run,
// workers of pools and detached ones too, in no order. By the time it returns
// some may have ended. A process that was forked, to call a function or by
// fork(2) itself, starts with none. Detached children that have ended are
// collected.
std::vector<ActiveChild> ActiveChildren();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_ACTIVE_CHILDREN_H_
