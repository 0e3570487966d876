#include "multiproc/pool/map_run.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace multiproc {

MapRun::MapRun(std::shared_ptr<TaskSubmitter> submitter,
               const MapOptions& options, std::unique_ptr<ItemSource> source,
               Order order)
    : submitter_(std::move(submitter)),
      options_(options),
      source_(std::move(source)),
      most_bytes_(submitter_->options().max_frame_bytes / 4),
      policy_(static_cast<size_t>(submitter_->loop()->num_workers())),
      completed_(order == Order::kCompletion
                     ? std::make_unique<CompletionQueue>()
                     : nullptr) {}

void MapRun::Fill() {
  while (!stopped_ && HasRoom() && !source_->AtEnd()) Send();
}

void MapRun::Rethrow() {
  const std::exception_ptr thrown = source_->TakeThrown();
  if (thrown != nullptr) std::rethrow_exception(thrown);
}

void MapRun::Cancel() {
  Stop();
  // Where the pool is gone callbacks run at once. The last ones first: or a
  // worker would begin them when one before is ended.
  const std::map<uint64_t, Chunk> pending = chunks_;
  for (auto last = pending.rbegin(); last != pending.rend(); ++last) {
    FutureState::Cancel(last->second.state);
  }
}

size_t MapRun::NextSize() const {
  const size_t most_pending =
      options_.max_pending > 0 ? options_.max_pending : ~size_t{0};
  if (options_.chunk_size > 0) {
    return (std::min)({options_.chunk_size, most_items_, most_pending});
  }
  std::optional<size_t> remaining = source_->size();
  if (remaining.has_value()) *remaining -= sent_items_;
  // No worker is to wait because a few chunks fill the look-ahead.
  const size_t share = most_pending / policy_.max_chunks() + 1;
  return (std::min)({policy_.NextSize(remaining), most_items_, share});
}

bool MapRun::HasRoom() const {
  if (options_.max_pending == 0) return chunks_.size() < policy_.max_chunks();
  return pending_items_ == 0 ||
         pending_items_ + NextSize() <= options_.max_pending;
}

void MapRun::Send() {
  ItemSource::Limits limits;
  limits.items = NextSize();
  limits.most_bytes = most_bytes_;
  limits.wanted_bytes = options_.chunk_size > 0
                            ? most_bytes_
                            : (std::min)(ChunkPolicy::kChunkBytes, most_bytes_);
  ItemSource::PackedItems items = source_->Pack(limits);
  if (items.count == 0) return;
  Chunk chunk;
  chunk.first = sent_items_;
  chunk.count = items.count;
  TaskSubmitter::Submitted submitted = submitter_->Submit(
      options_.task, std::move(items.call), items.count, caller_);
  chunk.state = std::move(submitted.state);
  if (submitted.refused && !needs_all_) Stop();
  sent_items_ += items.count;
  pending_items_ += items.count;
  chunks_.emplace(chunk.first, chunk);
  if (on_sent_ != nullptr) on_sent_(chunk);
}

std::optional<MapRun::Chunk> MapRun::Take(absl::Duration timeout) {
  if (chunks_.empty()) return std::nullopt;
  const std::optional<uint64_t> first = AwaitNext(timeout);
  if (!first.has_value()) return std::nullopt;
  return TakeDone(*first);
}

std::optional<uint64_t> MapRun::AwaitNext(absl::Duration timeout) {
  const Chunk& oldest = chunks_.begin()->second;
  // Who waits for one task alone gets its answer with fewer switches of
  // threads.
  if (completed_ == nullptr ||
      (chunks_.size() == 1 && oldest.first >= watched_items_)) {
    if (!oldest.state->Wait(timeout)) return std::nullopt;
    return oldest.first;
  }
  for (auto unwatched = chunks_.lower_bound(watched_items_);
       unwatched != chunks_.end(); ++unwatched) {
    completed_->Add(unwatched->second.state, unwatched->first);
  }
  watched_items_ = sent_items_;
  return completed_->Next(timeout);
}

MapRun::Chunk MapRun::TakeDone(uint64_t first) {
  const auto taken = chunks_.find(first);
  Chunk chunk = std::move(taken->second);
  chunks_.erase(taken);
  if (chunk.state->status().ok()) Learn(chunk);
  return chunk;
}

void MapRun::Learn(const Chunk& chunk) {
  policy_.Record(chunk.count, chunk.state->run_time());
  // Their results are to fit into a frame, too.
  const size_t bytes_each = chunk.state->result().size() / chunk.count + 1;
  most_items_ = (std::min)(most_items_, most_bytes_ / bytes_each + 1);
}

}  // namespace multiproc
