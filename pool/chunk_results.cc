#include "multiproc/pool/chunk_results.h"

#include <utility>

#include "multiproc/pool/item_index.h"

namespace multiproc {

ChunkResults::ChunkResults(MapRun::Chunk chunk)
    : chunk_(std::move(chunk)),
      status_(chunk_.state->status()),
      packed_(Open()) {}

// A call alone has a result alone.
absl::string_view ChunkResults::Open() {
  absl::string_view packed = chunk_.state->result();
  if (!status_.ok() || chunk_.count == 1) return packed;
  if (!TakeItemErrors(&packed, &errors_) ||
      (!errors_.empty() && errors_.back().index >= chunk_.count)) {
    errors_.clear();
    status_ = future_internal::ResultError();
  }
  return packed;
}

absl::Status ChunkResults::FirstError() const {
  if (!status_.ok()) return ErrorOf(0, status_);
  if (errors_.empty()) return absl::OkStatus();
  return ErrorOf(static_cast<uint32_t>(errors_.front().index),
                 errors_.front().status);
}

absl::Status ChunkResults::ErrorOf(uint32_t item, absl::Status status) const {
  SetItemIndex(chunk_.first + item, &status);
  return status;
}

}  // namespace multiproc
