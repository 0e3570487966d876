// The outcomes of a range of calls, one after the other, while later ones are
// under way: what ProcessPool::IMap and IMapUnordered return.
//
//   MapSequence<int> sizes = pool->IMap(SizeOf, files);
//   for (absl::StatusOr<int>& size : sizes) { ... files[sizes.index()] ... }
//
// Movable, and not thread-safe. It may outlive its pool. Destroying it early,
// or moving another one here, drops the rest without waiting: no more items are
// taken from the range, and chunks that were sent run.

#ifndef MULTIPROC_POOL_MAP_SEQUENCE_H_
#define MULTIPROC_POOL_MAP_SEQUENCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/pool/chunk_results.h"
#include "multiproc/pool/future.h"
#include "multiproc/pool/map_options.h"
#include "multiproc/pool/map_run.h"
#include "multiproc/pool/sequence_iterator.h"

namespace multiproc {

// `T` is the function's result type; void for functions that return void or
// absl::Status.
template <typename T>
class MapSequence {
 public:
  // An item's outcome: absl::StatusOr<T>, or absl::Status. An error has the
  // item's index (item_index.h). After the first, the sequence ends, unless
  // MapOptions::on_error is kContinue. Once the pool is closed no more items
  // are taken from the range but one chunk, whose outcome is
  // FAILED_PRECONDITION.
  using Item = typename Future<T>::Outcome;
  using iterator = SequenceIterator<MapSequence>;

  // Without items.
  MapSequence() = default;
  // For the pool.
  explicit MapSequence(std::unique_ptr<MapRun> run) : run_(std::move(run)) {
    run_->Fill();
  }

  MapSequence(MapSequence&&) noexcept = default;
  MapSequence& operator=(MapSequence&&) noexcept = default;

  // Takes further items from the range, as far as MapOptions::max_pending
  // allows, then waits for the next outcome, and returns it; nullopt at the
  // end. What the range throws is thrown from here, behind the outcomes of all
  // items that were read before, and the sequence ends.
  std::optional<Item> Next() {
    return NextWithTimeout(absl::InfiniteDuration());
  }

  // The same, but waits for `timeout` at most: then it returns
  // DEADLINE_EXCEEDED without an item's index, and nothing is lost. The time
  // that the range takes for its items is not limited.
  std::optional<Item> NextWithTimeout(absl::Duration timeout) {
    if (run_ == nullptr) return std::nullopt;
    run_->Fill();
    if (next_ == outcomes_.size()) {
      if (run_->done()) {
        const std::unique_ptr<MapRun> run = std::move(run_);
        run->Rethrow();
        return std::nullopt;
      }
      std::optional<MapRun::Chunk> chunk = run_->Take(timeout);
      if (!chunk.has_value()) {
        return absl::DeadlineExceededError(
            "the next item of the sequence has no outcome yet");
      }
      const ChunkResults results(*std::move(chunk));
      outcomes_ = results.template Outcomes<T>(run_->on_error());
      next_ = 0;
      next_index_ = results.chunk().first;
    }
    Item item = std::move(outcomes_[next_++]);
    ++next_index_;
    run_->Release(1);
    if (!item.ok() && run_->on_error() == OnError::kStop) run_ = nullptr;
    return item;
  }

  // The place in the range, from 0, of the item that was returned last.
  uint64_t index() const { return next_index_ - 1; }

  // For `for`: begin takes the first outcome, as Next does.
  iterator begin() { return iterator(this); }
  iterator end() { return iterator(); }

 private:
  std::unique_ptr<MapRun> run_;
  // Of the chunk whose items are being returned, and how many of them were.
  std::vector<Item> outcomes_;
  size_t next_ = 0;
  // The place behind that of the item that was returned last.
  uint64_t next_index_ = 1;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_MAP_SEQUENCE_H_
