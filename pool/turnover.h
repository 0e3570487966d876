// Which worker is to leave a pool next, though it has done nothing wrong: the
// pool is to be smaller, or is replacing its workers.
//
//   while (WorkerProcess* worker = NextToLeave(workers, most, complete)) {
//     ... let it leave ...
//   }
//
// It follows from the state of the workers alone: one that dies meanwhile is
// not waited for, nor replaced twice.
//
// Not thread-safe: for whoever has the pool's loop.

#ifndef MULTIPROC_POOL_TURNOVER_H_
#define MULTIPROC_POOL_TURNOVER_H_

#include <cstddef>

#include "multiproc/pool/worker_process.h"
#include "multiproc/pool/worker_set.h"

namespace multiproc {

// Of more than `most` workers, and else of those that are stale, the one that
// has the fewest leases; null if none is to leave now. A stale one waits until
// the pool is `complete`, all its workers are ready and none is leaving: one is
// replaced at a time, and so the pool's capacity stays.
WorkerProcess* NextToLeave(WorkerSet& workers, size_t most, bool complete);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_TURNOVER_H_
