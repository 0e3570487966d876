// The outcome of each item of a chunk that has its own.
//
//   ChunkResults results(chunk);
//   while (!results.at_end()) {
//     absl::StatusOr<int> result = results.Next<int>();
//   }
//
// Not thread-safe.

#ifndef MULTIPROC_POOL_CHUNK_RESULTS_H_
#define MULTIPROC_POOL_CHUNK_RESULTS_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/item_errors.h"
#include "multiproc/pool/future.h"
#include "multiproc/pool/map_run.h"

namespace multiproc {

class ChunkResults {
 public:
  explicit ChunkResults(MapRun::Chunk chunk);

  const MapRun::Chunk& chunk() const { return chunk_; }

  // OK, or the first error of an item, with the item's index.
  absl::Status FirstError() const;

  // What remains of the results, packed in a row.
  absl::string_view packed() const { return packed_; }

  bool at_end() const { return taken_ == chunk_.count; }
  // The outcome of the next item, unless at_end, and its place in the whole
  // range. A chunk that stopped at an error has none behind it.
  template <typename T>
  typename Future<T>::Outcome Next() {
    const uint32_t item = taken_++;
    if (!status_.ok()) return ErrorOf(item, status_);
    if (next_error_ < errors_.size() && errors_[next_error_].index == item) {
      return ErrorOf(item, errors_[next_error_++].status);
    }
    if constexpr (std::is_void_v<T>) {
      return absl::OkStatus();
    } else {
      T value{};
      if (decoder_.Get(&value)) return value;
      status_ = future_internal::ResultError();
      return ErrorOf(item, status_);
    }
  }
  // Of the item that Next returned last.
  uint64_t index() const { return chunk_.first + taken_ - 1; }

  // Appends all results, if there is no FirstError.
  template <typename T>
  absl::Status AppendTo(std::vector<T>* results) {
    for (; taken_ < chunk_.count; ++taken_) {
      T value{};
      if (!decoder_.Get(&value)) {
        return ErrorOf(taken_, future_internal::ResultError());
      }
      results->push_back(std::move(value));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ErrorOf(uint32_t item, absl::Status status) const;
  absl::string_view Open();

  const MapRun::Chunk chunk_;
  absl::Status status_;
  std::vector<ItemError> errors_;
  const absl::string_view packed_;
  Decoder decoder_;
  uint32_t taken_ = 0;
  size_t next_error_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_CHUNK_RESULTS_H_
