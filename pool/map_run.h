// One pass over a source of items: chunks are sent ahead, as many as may be
// pending, and their outcomes taken. What all kinds of Map have in common.
//
//   MapRun run(submitter, options, std::move(source), order);
//   for (run.Fill(); !run.done(); run.Fill()) {
//     MapRun::Chunk chunk = *run.Take(absl::InfiniteDuration());
//     ...
//     run.Release(chunk.count);
//   }
//
// Not thread-safe. Chunks that are pending at its end are forgotten: those that
// were sent run.

#ifndef MULTIPROC_POOL_MAP_RUN_H_
#define MULTIPROC_POOL_MAP_RUN_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "multiproc/pool/chunk_policy.h"
#include "multiproc/pool/completion_queue.h"
#include "multiproc/pool/future_state.h"
#include "multiproc/pool/item_source.h"
#include "multiproc/pool/map_options.h"
#include "multiproc/pool/task_submitter.h"

namespace multiproc {

class MapRun {
 public:
  // In which order Take returns chunks: that of their items, so that a slow one
  // holds up those behind it, or that in which they end.
  enum class Order { kItems, kCompletion };

  struct Chunk {
    std::shared_ptr<FutureState> state;
    // Its first item, counted from 0, and how many there are.
    uint64_t first = 0;
    uint32_t count = 0;
  };

  // `source` makes calls by options.on_error.
  MapRun(std::shared_ptr<TaskSubmitter> submitter, const MapOptions& options,
         std::unique_ptr<ItemSource> source, Order order);

  // For one that goes on by itself: `caller` is passed to Submit, and `on_sent`
  // called with each chunk, for TakeDone.
  void set_caller(TaskSubmitter::Caller caller) { caller_ = caller; }
  using SentCallback = std::function<void(const Chunk&)>;
  void set_on_sent(SentCallback on_sent) { on_sent_ = std::move(on_sent); }

  // Goes on once the pool refuses what is sent: each item is to have an
  // outcome. Otherwise the chunk that was refused is the last.
  void set_needs_all() { needs_all_ = true; }

  // Sends chunks as long as there are items, and room for more. What a range
  // throws is the end of the items.
  void Fill();

  // When done, and its outcomes are used: throws what a range has thrown, if it
  // has, once.
  void Rethrow();

  // The next chunk, which has its outcome; nullopt if it has none within
  // `timeout`, or no chunk is pending.
  std::optional<Chunk> Take(absl::Duration timeout);

  // The pending chunk whose first item is `first`, and which has its outcome.
  Chunk TakeDone(uint64_t first);

  // Makes room: the outcomes of so many items were taken.
  void Release(size_t items) { pending_items_ -= items; }

  // Sends no more.
  void Stop() { stopped_ = true; }

  // The same, and cancels those that are pending.
  void Cancel();

  // Whether there are no items that were not sent.
  bool sent_all() { return source_->AtEnd(); }

  // After Fill: whether no chunk is pending, and so there will be none.
  bool done() const { return chunks_.empty(); }

  OnError on_error() const { return options_.on_error; }
  // How many items there are in all, if that is known.
  std::optional<size_t> size() const { return source_->size(); }

 private:
  size_t NextSize() const;
  bool HasRoom() const;
  void Send();
  std::optional<uint64_t> AwaitNext(absl::Duration timeout);
  void Learn(const Chunk& chunk);

  const std::shared_ptr<TaskSubmitter> submitter_;
  const MapOptions options_;
  const std::unique_ptr<ItemSource> source_;
  // A quarter of a frame: what is packed, or comes back, is not measured to the
  // byte.
  const size_t most_bytes_;
  TaskSubmitter::Caller caller_ = TaskSubmitter::Caller::kMap;
  SentCallback on_sent_;
  bool needs_all_ = false;
  ChunkPolicy policy_;
  // By the size of the results so far.
  size_t most_items_ = ~size_t{0};
  bool stopped_ = false;
  uint64_t sent_items_ = 0;
  size_t pending_items_ = 0;
  // By their first item.
  std::map<uint64_t, Chunk> chunks_;
  // In the order of completion only: the keys of chunks_, of those that begin
  // before watched_items_.
  const std::unique_ptr<CompletionQueue> completed_;
  uint64_t watched_items_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_MAP_RUN_H_
