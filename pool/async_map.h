// A Map that nobody waits for: it goes on whenever one of its chunks ends, on
// the pool's callback thread, and fulfils a future.

#ifndef MULTIPROC_POOL_ASYNC_MAP_H_
#define MULTIPROC_POOL_ASYNC_MAP_H_

#include <memory>

#include "multiproc/pool/future_state.h"
#include "multiproc/pool/item_source.h"
#include "multiproc/pool/map_options.h"
#include "multiproc/pool/task_submitter.h"

namespace multiproc {

// Starts it, and returns the state of a Future<std::vector<T>>, where T is the
// result type of the source's function, or of a Future<void>. The source is
// only used on the callback thread, and gone when the future is ready. If its
// ranges throw, the program ends, as by any exception that leaves a thread.
// RESOURCE_EXHAUSTED, and nothing is run, if that thread can't be started.
std::shared_ptr<FutureState> StartAsyncMap(
    std::shared_ptr<TaskSubmitter> submitter, const MapOptions& options,
    std::unique_ptr<ItemSource> source);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_ASYNC_MAP_H_
