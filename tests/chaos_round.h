// One round of the chaos test: a pool with options, tasks and an end that are
// all drawn from a seed, workers that die all the time, and the accounting.
//
//   ChaosTotals totals;
//   ChaosRound round(&executor, /*rerun=*/true, /*seed=*/17);
//   round.Run(&totals);               // expectations of GoogleTest
//
// A seed gives the same options, tasks and calls again; when they meet the
// deaths is up to the scheduler.
//
// Thread-compatible: one at a time in a program.

#ifndef MULTIPROC_TESTS_CHAOS_ROUND_H_
#define MULTIPROC_TESTS_CHAOS_ROUND_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "multiproc/executors/executor.h"
#include "multiproc/pool/process_pool.h"
#include "tests/chaos_accounting.h"
#include "tests/chaos_actions.h"
#include "tests/chaos_random.h"
#include "tests/chaos_task.h"

namespace multiproc {

class ChaosRound {
 public:
  // `executor` must outlive it. `rerun`: whether its workers run this program
  // again, and this one may have threads.
  ChaosRound(Executor* executor, bool rerun, uint64_t seed);
  ~ChaosRound();

  ChaosRound(const ChaosRound&) = delete;
  ChaosRound& operator=(const ChaosRound&) = delete;

  void Run(ChaosTotals* totals);

 private:
  struct Submitted;

  void DrawOptions();
  ChaosPlan DrawPlan(uint64_t index);

  // The round while its pool lives.
  void RunPool();
  // On each of the threads that submit: those tasks that are its own.
  void SubmitShare(size_t thread, size_t num_threads);
  void Submit(Submitted& task, ChaosRandom& random);
  // What is called besides: by all threads, and by the first alone.
  void Disturb(size_t thread, const Submitted& last, ChaosRandom& random);
  void CallPool(ChaosRandom& random);
  void Map(ChaosRandom& random);
  void EndPool();
  // On a thread of its own.
  void KillNowAndThen();

  void Settle();
  void Report(ChaosTotals* totals);
  std::string Describe();

  const bool rerun_;
  const uint64_t seed_;
  const std::string folder_;
  ChaosRandom random_;
  ProcessPoolOptions options_;
  // Those that there are here, each as often as is its share.
  std::vector<ChaosAction> actions_;
  std::vector<std::unique_ptr<Submitted>> tasks_;
  // Of the pool, while it lives.
  std::atomic<ProcessPool*> watched_{nullptr};
  std::unique_ptr<ProcessPool> pool_;
  absl::Notification no_more_kills_;
  // What the killing thread saw that can't be.
  std::string wrong_moment_;
  std::atomic<size_t> wrong_progress_{0};

  RoundFacts facts_;
  PoolStats stats_;
  std::vector<TaskFate> fates_;
  std::vector<TaskFate> items_;
};

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_CHAOS_ROUND_H_
