// How many items of a Map go to a worker at a time, from how long they take.
//
//   ChunkPolicy chunks(/*num_workers=*/2);
//   size_t size = chunks.NextSize(remaining);
//   chunks.Record(size, run_time);              // of each that has come back
//
// The first chunks are single items, as one may take hours. Then each is to
// keep its worker busy for kChunkTime, which hides the cost of sending it; and
// none is so large that the last of them would be waited for by idle workers.
//
// Not thread-safe.

#ifndef MULTIPROC_POOL_CHUNK_POLICY_H_
#define MULTIPROC_POOL_CHUNK_POLICY_H_

#include <cstddef>
#include <optional>

#include "absl/time/time.h"

namespace multiproc {

class ChunkPolicy {
 public:
  static constexpr absl::Duration kChunkTime = absl::Milliseconds(1);
  // A chunk ends where its packed arguments reach this size: longer ones would
  // be no faster.
  static constexpr size_t kChunkBytes = size_t{24} << 10;
  // How many chunks each worker has on the way: one to run, others to follow
  // while the caller unpacks and packs.
  static constexpr size_t kChunksPerWorker = 3;

  explicit ChunkPolicy(size_t num_workers) : num_workers_(num_workers) {}

  // How many of the `remaining` items, if that is known, the next chunk is to
  // have at most; 1 at least.
  size_t NextSize(std::optional<size_t> remaining) const;

  // Takes note that `count` items ran for `run_time` in all.
  void Record(size_t count, absl::Duration run_time);

  size_t max_chunks() const { return num_workers_ * kChunksPerWorker; }

 private:
  const size_t num_workers_;
  size_t size_ = 1;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_CHUNK_POLICY_H_
