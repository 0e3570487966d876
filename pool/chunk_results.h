// The outcome of each item of a chunk that has its own.
//
//   const ChunkResults results(chunk);
//   for (absl::StatusOr<int>& result :
//        results.Outcomes<int>(OnError::kContinue)) { ... }
//
// Results stand in a row, without their lengths. If they can't be unpacked, or
// not to the last byte, nobody knows which of them is to blame: none is
// believed, and each item of the chunk has DATA_LOSS.
//
// Immutable, and so thread-safe.

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
#include "multiproc/pool/map_options.h"
#include "multiproc/pool/map_run.h"

namespace multiproc {

class ChunkResults {
 public:
  explicit ChunkResults(MapRun::Chunk chunk);

  const MapRun::Chunk& chunk() const { return chunk_; }
  // The place behind its last item in the whole range.
  size_t end() const {
    return static_cast<size_t>(chunk_.first) + chunk_.count;
  }

  // OK, or the first error of an item, with the item's index, as far as it is
  // known before the results are unpacked.
  absl::Status FirstError() const;

  // The results of those that have no error, packed in a row.
  absl::string_view packed() const { return packed_; }

  // The outcomes of the items, in their order, for a function of result type T:
  // up to the first error if the chunk stopped at it, else of all.
  template <typename T>
  std::vector<typename Future<T>::Outcome> Outcomes(OnError on_error) const;

  // Puts all results at the places of their items in the whole range, if there
  // is no FirstError; `*results` grows as far as is needed.
  template <typename T>
  absl::Status PutInto(std::vector<T>* results) const;

 private:
  template <typename T>
  bool Unpack(OnError on_error,
              std::vector<typename Future<T>::Outcome>* outcomes) const;
  absl::Status ErrorOf(uint32_t item, absl::Status status) const;
  absl::string_view Open();

  const MapRun::Chunk chunk_;
  absl::Status status_;
  std::vector<ItemError> errors_;
  const absl::string_view packed_;
};

// ---- Nothing below needs to be read to use it. ----

template <typename T>
std::vector<typename Future<T>::Outcome> ChunkResults::Outcomes(
    OnError on_error) const {
  std::vector<typename Future<T>::Outcome> outcomes;
  outcomes.reserve(chunk_.count);
  if (status_.ok() && Unpack<T>(on_error, &outcomes)) return outcomes;
  outcomes.clear();
  const absl::Status status =
      status_.ok() ? future_internal::ResultError() : status_;
  for (uint32_t item = 0; item < chunk_.count; ++item) {
    outcomes.push_back(ErrorOf(item, status));
  }
  return outcomes;
}

template <typename T>
bool ChunkResults::Unpack(
    OnError on_error,
    std::vector<typename Future<T>::Outcome>* outcomes) const {
  Decoder decoder(packed_, chunk_.state->result_owner());
  auto error = errors_.begin();
  for (uint32_t item = 0; item < chunk_.count; ++item) {
    if (error != errors_.end() && error->index == item) {
      outcomes->push_back(ErrorOf(item, error->status));
      ++error;
      if (on_error == OnError::kStop) break;
    } else if constexpr (std::is_void_v<T>) {
      outcomes->push_back(absl::OkStatus());
    } else {
      T value{};
      if (!decoder.Get(&value)) return false;
      outcomes->push_back(std::move(value));
    }
  }
  return decoder.remaining() == 0;
}

template <typename T>
absl::Status ChunkResults::PutInto(std::vector<T>* results) const {
  if (results->size() < end()) results->resize(end());
  Decoder decoder(packed_, chunk_.state->result_owner());
  bool unpacked = true;
  for (size_t i = end() - chunk_.count; unpacked && i < end(); ++i) {
    if constexpr (std::is_same_v<T, bool>) {
      // What is at a place of a vector<bool> has no address.
      bool value = false;
      unpacked = decoder.Get(&value);
      (*results)[i] = value;
    } else {
      unpacked = decoder.Get(&(*results)[i]);
    }
  }
  if (unpacked && decoder.remaining() == 0) return absl::OkStatus();
  return ErrorOf(0, future_internal::ResultError());
}

}  // namespace multiproc

#endif  // MULTIPROC_POOL_CHUNK_RESULTS_H_
