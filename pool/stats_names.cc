#include "multiproc/pool/stats_names.h"

namespace multiproc {
namespace {

constexpr NamedCount<TaskCounts> kTaskOutcomes[] = {
    {"succeeded", &TaskCounts::succeeded},
    {"failed", &TaskCounts::failed},
    {"lost", &TaskCounts::lost},
    {"timed_out", &TaskCounts::timed_out},
    {"cancelled", &TaskCounts::cancelled},
    {"cut_off", &TaskCounts::cut_off},
};

constexpr NamedCount<WorkerEnds> kWorkerEnds[] = {
    {"not_ready", &WorkerEnds::not_ready},
    {"crashed", &WorkerEnds::crashed},
    {"timed_out", &WorkerEnds::timed_out},
    {"cancelled", &WorkerEnds::cancelled},
    {"broken_channel", &WorkerEnds::broken_channel},
    {"max_tasks", &WorkerEnds::max_tasks},
    {"max_age", &WorkerEnds::max_age},
    {"max_memory", &WorkerEnds::max_memory},
    {"restarted", &WorkerEnds::restarted},
    {"sigterm", &WorkerEnds::sigterm},
    {"idle", &WorkerEnds::idle},
    {"resized", &WorkerEnds::resized},
    {"closed", &WorkerEnds::closed},
    {"terminated", &WorkerEnds::terminated},
};

template <typename Counts>
absl::string_view NameOf(uint64_t Counts::*member,
                         absl::Span<const NamedCount<Counts>> all) {
  for (const NamedCount<Counts>& one : all) {
    if (one.member == member) return one.name;
  }
  return "";
}

}  // namespace

absl::Span<const NamedCount<TaskCounts>> AllTaskOutcomes() {
  return kTaskOutcomes;
}

absl::Span<const NamedCount<WorkerEnds>> AllWorkerEnds() { return kWorkerEnds; }

absl::string_view TaskOutcomeName(TaskOutcome outcome) {
  return NameOf(outcome, AllTaskOutcomes());
}

absl::string_view WorkerEndName(WorkerEnd end) {
  return NameOf(end, AllWorkerEnds());
}

}  // namespace multiproc
