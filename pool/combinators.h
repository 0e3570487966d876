// Many futures at once: those of Submit and MapAsync, of one pool or several.
//
//   for (auto& [index, future] : AsCompleted(futures)) {
//     ... files[index], future.Get() ...
//   }
//   Future<std::vector<absl::StatusOr<int>>> all = WhenAll(futures);
//   Future<size_t> first = WhenAny(futures);
//   WaitResult result = WaitAny(futures, absl::Seconds(1));
//
// Thread-safe, but for CompletedFutures, which one thread at a time may use.

#ifndef MULTIPROC_POOL_COMBINATORS_H_
#define MULTIPROC_POOL_COMBINATORS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/status_codec.h"
#include "multiproc/pool/completion_queue.h"
#include "multiproc/pool/future.h"
#include "multiproc/pool/future_state.h"
#include "multiproc/pool/sequence_iterator.h"

namespace multiproc {

// Which of the futures, by their places, are ready, and which are not.
struct WaitResult {
  // In the order of the futures.
  std::vector<size_t> done;
  std::vector<size_t> not_done;
};

// Futures in the order in which they become ready. Movable: one that was moved
// from has none. Destroying it early waits for nothing.
template <typename T>
class CompletedFutures {
 public:
  // One of the futures.
  struct Item {
    // Its place among the futures.
    size_t index;
    // Ready.
    Future<T> future;
  };
  // For a `for` over it: of one pass.
  using iterator = SequenceIterator<CompletedFutures>;

  // Of these futures; AsCompleted makes one.
  explicit CompletedFutures(std::vector<Future<T>> futures);

  // Waits for the next; nullopt at the end.
  std::optional<Item> Next() {
    return NextWithTimeout(absl::InfiniteDuration());
  }
  // The same, but nullopt also after `timeout`, with remaining() above zero.
  std::optional<Item> NextWithTimeout(absl::Duration timeout);

  // How many have not been returned yet.
  size_t remaining() const { return queue_ == nullptr ? 0 : queue_->size(); }

  // For `for`: begin takes the first, as Next does.
  iterator begin() { return iterator(this); }
  iterator end() { return iterator(); }

 private:
  std::vector<Future<T>> futures_;
  std::unique_ptr<CompletionQueue> queue_;
};

namespace combinators_internal {

using States = std::vector<std::shared_ptr<FutureState>>;

template <typename T>
States StatesOf(const std::vector<Future<T>>& futures) {
  States states;
  states.reserve(futures.size());
  for (const Future<T>& future : futures) states.push_back(future.state());
  return states;
}

// Whether the bytes are a packed T.
template <typename T>
bool IsPacked(absl::string_view bytes) {
  T value{};
  return DecodeValues(bytes, &value);
}

// `is_result` is asked for each result; null if anything is one.
std::shared_ptr<FutureState> WhenAll(States states,
                                     bool (*is_result)(absl::string_view));
std::shared_ptr<FutureState> WhenAny(const States& states);
WaitResult WaitAll(const States& states, absl::Duration timeout);
WaitResult WaitAny(const States& states, absl::Duration timeout);
WaitResult WaitFirstError(const States& states, absl::Duration timeout);

}  // namespace combinators_internal

// Those that are ready come first, by their places.
template <typename T>
CompletedFutures<T> AsCompleted(std::vector<Future<T>> futures) {
  return CompletedFutures<T>(std::move(futures));
}

// A future of the outcomes of all, in their order: for each what its Get
// returns, so that one that can't be unpacked is the DATA_LOSS of no other. It
// is itself never an error, and ready once the last is: on the callback thread
// of that one's pool.
template <typename T>
Future<std::vector<typename Future<T>::Outcome>> WhenAll(
    const std::vector<Future<T>>& futures) {
  bool (*is_result)(absl::string_view) = nullptr;
  if constexpr (!std::is_void_v<T>) {
    is_result = combinators_internal::IsPacked<T>;
  }
  return Future<std::vector<typename Future<T>::Outcome>>(
      combinators_internal::WhenAll(combinators_internal::StatesOf(futures),
                                    is_result));
}

// A future of the place of the first that is ready, with whatever outcome.
// INVALID_ARGUMENT if there are none.
template <typename T>
Future<size_t> WhenAny(const std::vector<Future<T>>& futures) {
  return Future<size_t>(
      combinators_internal::WhenAny(combinators_internal::StatesOf(futures)));
}

// Waits until all are ready, and no longer than `timeout` from now.
template <typename T>
WaitResult WaitAll(const std::vector<Future<T>>& futures,
                   absl::Duration timeout = absl::InfiniteDuration()) {
  return combinators_internal::WaitAll(combinators_internal::StatesOf(futures),
                                       timeout);
}

// The same, until one is ready.
template <typename T>
WaitResult WaitAny(const std::vector<Future<T>>& futures,
                   absl::Duration timeout = absl::InfiniteDuration()) {
  return combinators_internal::WaitAny(combinators_internal::StatesOf(futures),
                                       timeout);
}

// The same, until one has an error, or all are ready.
template <typename T>
WaitResult WaitFirstError(const std::vector<Future<T>>& futures,
                          absl::Duration timeout = absl::InfiniteDuration()) {
  return combinators_internal::WaitFirstError(
      combinators_internal::StatesOf(futures), timeout);
}

// ---- Nothing below needs to be read to use them. ----

template <typename T>
CompletedFutures<T>::CompletedFutures(std::vector<Future<T>> futures)
    : futures_(std::move(futures)),
      queue_(std::make_unique<CompletionQueue>()) {
  for (size_t i = 0; i < futures_.size(); ++i) {
    queue_->Add(futures_[i].state(), i);
  }
}

template <typename T>
std::optional<typename CompletedFutures<T>::Item>
CompletedFutures<T>::NextWithTimeout(absl::Duration timeout) {
  if (queue_ == nullptr) return std::nullopt;
  const std::optional<size_t> index = queue_->Next(timeout);
  if (!index.has_value()) return std::nullopt;
  return Item{*index, std::move(futures_[*index])};
}

}  // namespace multiproc

#endif  // MULTIPROC_POOL_COMBINATORS_H_
