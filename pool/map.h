// What the members of ProcessPool that map do, beyond taking their arguments.
// See there, and docs/mapping.md.

#ifndef MULTIPROC_POOL_MAP_H_
#define MULTIPROC_POOL_MAP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/huge_pages.h"
#include "multiproc/pool/chunk_results.h"
#include "multiproc/pool/future.h"
#include "multiproc/pool/map_run.h"

namespace multiproc {

// What Map returns for a function of result type R.
template <typename R>
using MapResult =
    std::conditional_t<std::is_void_v<ResultOf<R>>, absl::Status,
                       absl::StatusOr<std::vector<std::conditional_t<
                           std::is_void_v<ResultOf<R>>, char, ResultOf<R>>>>>;

// What MapAsync returns.
template <typename R>
using MapFuture = Future<
    std::conditional_t<std::is_void_v<ResultOf<R>>, void,
                       std::vector<std::conditional_t<
                           std::is_void_v<ResultOf<R>>, char, ResultOf<R>>>>>;

// The outcome of each item: absl::StatusOr<T>, or absl::Status.
template <typename R>
using MapOutcomes = std::vector<typename Future<ResultOf<R>>::Outcome>;

namespace map_internal {

// Visits chunks as they end, up to the first error, by the order of the items,
// that is known, if on_error is kStop. Returns it when all that was sent has
// ended.
template <typename Visitor>
absl::Status ForEachChunk(MapRun& run, Visitor visit) {
  absl::Status error;
  uint64_t failed = ~uint64_t{0};
  for (run.Fill(); !run.done(); run.Fill()) {
    const ChunkResults results(*run.Take(absl::InfiniteDuration()));
    run.Release(results.chunk().count);
    if (results.chunk().first > failed) continue;
    absl::Status status = results.FirstError();
    if (status.ok()) status = visit(results);
    if (status.ok()) continue;
    failed = results.chunk().first;
    error = std::move(status);
    if (run.on_error() == OnError::kStop) run.Stop();
  }
  run.Rethrow();
  return error;
}

// Room for `size` outcomes, and for all that the range says to have: but not
// for more than 64 MiB at once, as that may be any number, such as that of a
// generator that never ends by itself. Many come in great pages: to make small
// ones, and to copy them as the vector grows, would cost as much as the calls.
template <typename T>
void MakeRoom(size_t size, const MapRun& run, std::vector<T>* outcomes) {
  constexpr size_t kMost = (size_t{64} << 20) / sizeof(T);
  if (size <= outcomes->capacity()) return;
  const size_t all = (std::min)(run.size().value_or(0), kMost);
  const size_t room = (std::max)({size, all, 2 * outcomes->capacity()});
  if constexpr (std::is_same_v<T, bool>) {
    outcomes->reserve(room);
  } else {
    ReserveInHugePages(room, outcomes);
  }
}

template <typename R>
MapResult<R> Map(MapRun run) {
  using T = ResultOf<R>;
  if constexpr (std::is_void_v<T>) {
    return ForEachChunk(run,
                        [](const ChunkResults&) { return absl::OkStatus(); });
  } else {
    std::vector<T> all;
    absl::Status status =
        ForEachChunk(run, [&all, &run](const ChunkResults& results) {
          MakeRoom(results.end(), run, &all);
          return results.PutInto(&all);
        });
    if (!status.ok()) return status;
    return all;
  }
}

template <typename R>
MapOutcomes<R> TryMap(MapRun run) {
  MapOutcomes<R> all;
  run.set_needs_all();
  for (run.Fill(); !run.done(); run.Fill()) {
    const ChunkResults results(*run.Take(absl::InfiniteDuration()));
    MapOutcomes<R> some = results.Outcomes<ResultOf<R>>(run.on_error());
    run.Release(some.size());
    const size_t first = static_cast<size_t>(results.chunk().first);
    MakeRoom(first + some.size(), run, &all);
    if (all.size() < first + some.size()) all.resize(first + some.size());
    std::move(some.begin(), some.end(), &all[first]);
  }
  run.Rethrow();
  return all;
}

}  // namespace map_internal

}  // namespace multiproc

#endif  // MULTIPROC_POOL_MAP_H_
