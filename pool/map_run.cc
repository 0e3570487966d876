#include "multiproc/pool/map_run.h"

#include <algorithm>
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
  Chunk chunk;
  chunk.first = sent_items_;
  chunk.count = items.count;
  const bool packed = items.call.ok();
  chunk.state = submitter_->Submit(options_.task, std::move(items.call),
                                   items.count, caller_);
  // One that could not be packed says nothing of the pool.
  if (packed && !needs_all_ && chunk.state->done() &&
      !chunk.state->status().ok() && submitter_->closed()) {
    Stop();
  }
  sent_items_ += items.count;
  pending_items_ += items.count;
  chunks_.emplace(chunk.first, chunk);
  if (completed_ != nullptr) completed_->Add(chunk.state, chunk.first);
  if (on_sent_ != nullptr) on_sent_(chunk.state);
}

std::optional<MapRun::Chunk> MapRun::Take(absl::Duration timeout) {
  if (chunks_.empty()) return std::nullopt;
  auto next = chunks_.begin();
  if (completed_ != nullptr) {
    const std::optional<size_t> first = completed_->Next(timeout);
    if (!first.has_value()) return std::nullopt;
    next = chunks_.find(*first);
  } else if (!next->second.state->Wait(timeout)) {
    return std::nullopt;
  }
  Chunk chunk = std::move(next->second);
  chunks_.erase(next);
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
