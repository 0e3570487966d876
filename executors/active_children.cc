#include "multiproc/executors/active_children.h"

#include "multiproc/executors/child_state.h"
#include "multiproc/executors/process.h"

namespace multiproc {

std::vector<ActiveChild> ActiveChildren() {
  std::vector<ActiveChild> active;
  for (const auto& child : ChildRegistry::Get().Children()) {
    if (child->HasEnded()) continue;
    active.push_back({child->child().pid(), child->name(), child->daemon()});
  }
  // After that: whoever is told of none leaves none behind.
  Process::CollectDetached();
  return active;
}

}  // namespace multiproc
