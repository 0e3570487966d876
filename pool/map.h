// What the members of ProcessPool that map do, beyond taking their arguments.
// See there, and docs/mapping.md.

#ifndef MULTIPROC_POOL_MAP_H_
#define MULTIPROC_POOL_MAP_H_

#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/functions/function.h"
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

// Up to the first error, by the order of the items, if on_error is kStop.
// Returns it when all that was sent has ended.
template <typename Visitor>
absl::Status ForEachChunk(MapRun& run, Visitor visit) {
  absl::Status status;
  for (run.Fill(); !run.done(); run.Fill()) {
    const ChunkResults results(*run.Take(absl::InfiniteDuration()));
    run.Release(results.chunk().count);
    if (status.ok()) status = results.FirstError();
    if (status.ok()) status = visit(results);
    if (!status.ok() && run.on_error() == OnError::kStop) run.Stop();
  }
  return status;
}

template <typename R>
MapResult<R> Map(MapRun run) {
  using T = ResultOf<R>;
  if constexpr (std::is_void_v<T>) {
    return ForEachChunk(run, [](const ChunkResults&) { return absl::OkStatus(); });
  } else {
    std::vector<T> all;
    all.reserve(run.size().value_or(0));
    absl::Status status = ForEachChunk(
        run,
        [&all](const ChunkResults& results) { return results.AppendTo(&all); });
    if (!status.ok()) return status;
    return all;
  }
}

template <typename R>
MapOutcomes<R> TryMap(MapRun run) {
  MapOutcomes<R> outcomes;
  outcomes.reserve(run.size().value_or(0));
  run.set_needs_all();
  for (run.Fill(); !run.done(); run.Fill()) {
    const ChunkResults results(*run.Take(absl::InfiniteDuration()));
    run.Release(results.chunk().count);
    for (auto& outcome : results.Outcomes<ResultOf<R>>(run.on_error())) {
      outcomes.push_back(std::move(outcome));
    }
  }
  return outcomes;
}

}  // namespace map_internal

}  // namespace multiproc

#endif  // MULTIPROC_POOL_MAP_H_
