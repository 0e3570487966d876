#include "multiproc/executors/current_process.h"

#include <atomic>
#include <utility>

#include "absl/base/no_destructor.h"
#include "multiproc/executors/parent_process.h"

namespace multiproc {
namespace {

// Written by Initialize(), and in a child before its function is called: when
// there are no threads that could read it.
std::string& NameSlot() {
  static absl::NoDestructor<std::string> name;
  return *name;
}

// What the system said when it was first asked, if nobody knows better.
std::atomic<int64_t>& ParentPidSlot() {
  static std::atomic<int64_t> pid{AskParentPid()};
  return pid;
}

}  // namespace

std::string CurrentProcessName() { return NameSlot(); }

int64_t ParentPid() { return ParentPidSlot(); }

void SetCurrentProcess(std::string name, int64_t parent_pid) {
  NameSlot() = std::move(name);
  ParentPidSlot() = parent_pid;
}

}  // namespace multiproc
