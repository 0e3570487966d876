// Which item of a range an error belongs to.
//
//   absl::StatusOr<std::vector<int>> sizes = pool->Map(SizeOf, files);
//   if (auto index = GetItemIndex(sizes.status())) { ... files[*index] ... }
//
// Thread-safe: pure functions.

#ifndef MULTIPROC_POOL_ITEM_INDEX_H_
#define MULTIPROC_POOL_ITEM_INDEX_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"

namespace multiproc {

// The place, from 0, of the item whose outcome `status` is; nullopt if it is of
// no item. Of an error that befell a whole chunk, such as the death of its
// worker, each of its items is as good as any: Map names the first.
std::optional<uint64_t> GetItemIndex(const absl::Status& status);

// Attaches it to `status`, which is not OK, as a payload.
void SetItemIndex(uint64_t index, absl::Status* status);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_ITEM_INDEX_H_
