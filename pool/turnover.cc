#include "multiproc/pool/turnover.h"

#include <algorithm>
#include <vector>

namespace multiproc {
namespace {

// Stale ones first: another would leave for nothing.
WorkerProcess* Idlest(const std::vector<WorkerProcess*>& workers) {
  WorkerProcess* idlest = nullptr;
  for (WorkerProcess* worker : workers) {
    if (!worker->staying()) continue;
    if (idlest == nullptr || worker->stale() > idlest->stale() ||
        (worker->stale() == idlest->stale() &&
         worker->num_leases() < idlest->num_leases())) {
      idlest = worker;
    }
  }
  return idlest;
}

}  // namespace

WorkerProcess* NextToLeave(WorkerSet& workers, size_t most, bool complete) {
  if (workers.num_staying() > most) return Idlest(workers.All());
  if (workers.num_stale() == 0 || !complete) return nullptr;
  if (workers.num_staying() < workers.num_usable()) return nullptr;
  const std::vector<WorkerProcess*> all = workers.All();
  const bool settled =
      std::all_of(all.begin(), all.end(), [](const WorkerProcess* worker) {
        return !worker->usable() || worker->ready();
      });
  return settled ? Idlest(all) : nullptr;
}

}  // namespace multiproc
