// Whether what became of the tasks of a round of the chaos test is what was
// promised: docs/tasks.md, docs/workers.md, pool/process_pool.h.
//
//   RoundFacts facts = ...;
//   for (const TaskFate& fate : fates) EXPECT_EQ(Judge(fate, facts), "");
//   EXPECT_EQ(JudgeStats(stats, CountOutcomes(fates), facts), "");
//
// Thread-safe: pure functions.

#ifndef MULTIPROC_TESTS_CHAOS_ACCOUNTING_H_
#define MULTIPROC_TESTS_CHAOS_ACCOUNTING_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/pool/pool_options.h"
#include "multiproc/pool/pool_stats.h"
#include "tests/chaos_injector.h"
#include "tests/chaos_task.h"
#include "tests/chaos_worker.h"

namespace multiproc {

// A task, or an item of Map, as it was submitted.
struct ChaosPlan {
  uint64_t index = 0;
  ChaosAction action = ChaosAction::kEcho;
  size_t payload_size = 0;
  size_t result_size = 0;
  absl::Duration delay;
  TaskOptions options;
  // For one worker: it is never tried again.
  bool pinned = false;
  // Of Map: a chunk of them is a task.
  bool is_item = false;
};

// What became of it.
struct TaskFate {
  ChaosPlan plan;
  absl::Status status;
  // Whether it is the right one; of an outcome that is OK.
  bool right_value = false;
  // How often OnDone's callback was called.
  int callbacks = 0;
  // Whether Future::Cancel, once at least, returned true.
  bool cancelled = false;
};

// What happened in the round.
struct RoundFacts {
  // By process ids.
  std::map<int64_t, WorkerRecords> workers;
  std::map<int64_t, ChaosInjector::Side> killed;
  // Were sent SIGTERM, once each.
  std::set<int64_t> sent_sigterm;
  // How often each task, or item, was begun.
  std::map<uint64_t, size_t> runs;
  // Whether the pool captures what workers write.
  bool captured = false;
  // What was called.
  bool terminated = false;
  bool cancelled_pending = false;
  // What Join returned, or Create, if it failed.
  absl::Status joined;

  // Fills `runs` from `workers`.
  void CountRuns();
  // Of the workers' own records.
  size_t Count(WorkerRecord record) const;
  // All that the injector did, without the latter.
  size_t NumKills() const;
};

// Empty, or what is wrong.
std::string Judge(const TaskFate& fate, const RoundFacts& facts);

// Whether each death cost one task at most. Empty, or what is wrong.
std::string JudgeDeaths(const std::vector<TaskFate>& fates);

// How many there were, of tasks and not of items.
struct OutcomeCounts {
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t lost = 0;
  uint64_t timed_out = 0;
  // By Cancel, CancelPending and Terminate, or the pool's failure.
  uint64_t cut_off = 0;
  uint64_t refused = 0;
};
OutcomeCounts CountOutcomes(const std::vector<TaskFate>& fates,
                            const RoundFacts& facts);

// Of a pool that has ended. With maps (`has_chunks`) there are tasks besides
// those that were counted. Empty, or what is wrong.
std::string JudgeStats(const PoolStats& stats, const OutcomeCounts& counts,
                       bool has_chunks, const RoundFacts& facts);

// What holds at any moment.
std::string JudgeMoment(const PoolStats& stats);

// Of all rounds.
struct ChaosTotals {
  uint64_t rounds = 0;
  uint64_t tasks = 0;
  uint64_t items = 0;
  uint64_t runs = 0;
  uint64_t retries = 0;
  uint64_t failed_pools = 0;
  uint64_t workers = 0;
  std::map<std::string, uint64_t> outcomes;
  // By the side that killed.
  std::map<std::string, uint64_t> kills;
  // What tasks did to their workers.
  std::map<std::string, uint64_t> deeds;

  void Add(const std::vector<TaskFate>& fates, const PoolStats& stats,
           const RoundFacts& facts);
  uint64_t NumKills() const;
  // One line.
  std::string ToString() const;
};

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_CHAOS_ACCOUNTING_H_
