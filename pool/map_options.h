// How a range is worked off by ProcessPool's Map and its relatives. Plain
// values.

#ifndef MULTIPROC_POOL_MAP_OPTIONS_H_
#define MULTIPROC_POOL_MAP_OPTIONS_H_

#include <cstddef>

#include "multiproc/pool/pool_options.h"

namespace multiproc {

// What becomes of the other items once one has failed.
enum class OnError {
  // No more are sent, and the rest of the item's own chunk is not run. Chunks
  // that were sent before run.
  kStop,
  // They run all the same.
  kContinue,
};

// How a range is cut into tasks, and what an error does.
struct MapOptions {
  // How many items go to a worker at a time, as one task; fewer where so many
  // would not fit into a message of ProcessPoolOptions::max_frame_bytes. 0 for
  // as many as take a millisecond, as measured, from one at the start
  // (chunk_policy.h).
  size_t chunk_size = 0;

  // How many items may have been taken from the range at most, without those
  // whose outcome was taken; a chunk is no greater. Map and its relatives take
  // outcomes as they come, IMap in the order of the items. 0 for three chunks
  // for each worker. To keep all workers busy it must be two chunks for each at
  // least.
  size_t max_pending = 0;

  // What the first error of an item does to the rest.
  OnError on_error = OnError::kStop;

  // Of each chunk: its timeout is for all of its items together, and one that
  // is tried again runs all of its items again.
  TaskOptions task;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_MAP_OPTIONS_H_
