// The names of what TaskCounts and WorkerEnds count one by one, for those who
// print it: as the members are called.
//
//   for (const NamedCount<WorkerEnds>& end : AllWorkerEnds()) {
//     std::cout << end.name << ": " << stats.worker_ends.*end.member << "\n";
//   }
//
// Thread-safe: constants.

#ifndef MULTIPROC_POOL_STATS_NAMES_H_
#define MULTIPROC_POOL_STATS_NAMES_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "multiproc/pool/pool_stats.h"

namespace multiproc {

template <typename Counts>
struct NamedCount {
  absl::string_view name;
  uint64_t Counts::*member;
};

// What becomes of a task: those that TaskCounts::Ended adds up.
absl::Span<const NamedCount<TaskCounts>> AllTaskOutcomes();
// Why a worker ends: those that WorkerEnds::Total adds up.
absl::Span<const NamedCount<WorkerEnds>> AllWorkerEnds();

// "succeeded", "timed_out" ...; "" for null and for members that are none of
// the above.
absl::string_view TaskOutcomeName(TaskOutcome outcome);
absl::string_view WorkerEndName(WorkerEnd end);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_STATS_NAMES_H_
