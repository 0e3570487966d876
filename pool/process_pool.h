// A pool of worker processes that are kept and reused: Python's
// multiprocessing.Pool and ProcessPoolExecutor, for C++.
//
//   Submit -> queue -> [lease to a worker] -> frame over its pipe -> the worker
//   calls the function -> frame back -> the future is ready
//
// What the pool promises:
//   * Every submitted task has exactly one outcome.
//   * A worker's death costs the one task that it was running, and no other;
//     that one's future says which worker died, and how. The worker is
//     replaced.
//   * Tasks are given to workers in the order in which they were submitted. Of
//     short tasks a worker has some ahead, and what waits behind a long one is
//     given to another.
//   * No worker outlives its parent by more than a second, however that dies.

#ifndef MULTIPROC_POOL_PROCESS_POOL_H_
#define MULTIPROC_POOL_PROCESS_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/async_map.h"
#include "multiproc/pool/future.h"
#include "multiproc/pool/item_source.h"
#include "multiproc/pool/map.h"
#include "multiproc/pool/map_options.h"
#include "multiproc/pool/map_run.h"
#include "multiproc/pool/map_sequence.h"
#include "multiproc/pool/pool_loop.h"
#include "multiproc/pool/pool_options.h"
#include "multiproc/pool/pool_stats.h"
#include "multiproc/pool/task_submitter.h"

namespace multiproc {

// Thread-safe, but for the destructor.
//
//   ProcessPoolOptions options;
//   options.num_workers = 3;
//   absl::StatusOr<std::unique_ptr<ProcessPool>> pool =
//       ProcessPool::Create(options);
//   Future<double> cost = (*pool)->Submit(RunTask, 4);
//   absl::StatusOr<double> seconds = cost.Get();
class ProcessPool {
 public:
  // Starts the workers, without waiting until they are ready.
  //   INVALID_ARGUMENT     an option is out of its range.
  //   FAILED_PRECONDITION  Initialize() was not called, or the fork backend
  //                        can't be used in a program with threads; or pools
  //                        are nested deeper than max_pool_depth.
  //   UNIMPLEMENTED        max_worker_memory_bytes, where the system does not
  //                        tell how much memory a process has.
  //   NOT_FOUND            MULTIPROC_EXECUTOR names no backend.
  //   others               the first worker that could not be started.
  static absl::StatusOr<std::unique_ptr<ProcessPool>> Create(
      const ProcessPoolOptions& options = {});

  // Close, and Join: runs what was submitted. Terminate() or Drain() before it,
  // if that is not wanted. Not from a callback of Future::OnDone. What becomes
  // of a pool that lives when the program exits says at_exit of its options.
  ~ProcessPool();

  ProcessPool(const ProcessPool&) = delete;
  ProcessPool& operator=(const ProcessPool&) = delete;

  // Runs the registered function `fn` with `args` in a worker, and returns at
  // once. Everything that can go wrong is told by the future (future.h). `args`
  // are copied, but for the bytes of absl::Cords of 32 KiB or more, which are
  // read until these release them (docs/tasks.md).
  template <typename R, typename... P, typename... Args>
  Future<ResultOf<R>> Submit(R (*fn)(P...), const Args&... args) {
    return Submit(TaskOptions(), fn, args...);
  }

  // The same, with options of its own.
  template <typename R, typename... P, typename... Args>
  Future<ResultOf<R>> Submit(const TaskOptions& options, R (*fn)(P...),
                             const Args&... args) {
    return Future<ResultOf<R>>(
        submitter_->Submit(options, PackCall(fn, args...)).state);
  }

  // A lambda or another object can't be submitted: it has no name by which a
  // worker could find it.
  template <typename F, typename... Args,
            std::enable_if_t<
                std::is_class_v<F> && !std::is_same_v<F, TaskOptions>, int> = 0>
  void Submit(const F&, const Args&...) {
    static_assert(sizeof(F) == 0,
                  "submit a plain function, registered by MULTIPROC_FUNCTION");
  }

  // Runs `fn` with `args` once in each worker that is there and not about to
  // leave, and returns at once: a future for each, in the order in which the
  // workers were started. It runs behind what that worker has already, and
  // before what is queued, and counts as one of max_tasks_per_worker, though a
  // worker runs it beyond that number. A future is UNAVAILABLE if its worker
  // ends before it; it is not tried again. A worker that is started later
  // knows nothing of it: options.initializer is for that. Errors:
  //   FAILED_PRECONDITION  the pool is closed.
  //   others               why the pool failed, or why there can be no such
  //                        call: those of Future::Get for Submit.
  template <typename R, typename... P, typename... Args>
  absl::StatusOr<std::vector<Future<ResultOf<R>>>> Broadcast(
      R (*fn)(P...), const Args&... args) {
    return Broadcast(TaskOptions(), fn, args...);
  }
  template <typename R, typename... P, typename... Args>
  absl::StatusOr<std::vector<Future<ResultOf<R>>>> Broadcast(
      const TaskOptions& options, R (*fn)(P...), const Args&... args) {
    auto states = submitter_->Broadcast(options, PackCall(fn, args...));
    if (!states.ok()) return states.status();
    std::vector<Future<ResultOf<R>>> futures;
    for (auto& state : *states) futures.emplace_back(std::move(state));
    return futures;
  }

  // The workers that there are, by numbers that are never used again, in the
  // order in which they were started.
  std::vector<uint64_t> WorkerIds();

  // Runs `fn` with `args` in the worker of that number and no other, for what
  // it has kept of earlier tasks; like a Broadcast to it alone. NOT_FOUND if
  // there is no such worker, or it is about to leave; UNAVAILABLE if it ends
  // before the task does. Waits for room in a pool with max_pending as Submit
  // does; with kCallerRuns it is refused as with kReject. (A Broadcast is
  // counted in without waiting.)
  template <typename R, typename... P, typename... Args>
  Future<ResultOf<R>> SubmitTo(uint64_t worker_id, R (*fn)(P...),
                               const Args&... args) {
    return SubmitTo(TaskOptions(), worker_id, fn, args...);
  }
  template <typename R, typename... P, typename... Args>
  Future<ResultOf<R>> SubmitTo(const TaskOptions& options, uint64_t worker_id,
                               R (*fn)(P...), const Args&... args) {
    return Future<ResultOf<R>>(
        submitter_->SubmitTo(options, worker_id, PackCall(fn, args...)));
  }

  // Submit, and the wait for its outcome.
  template <typename R, typename... P, typename... Args>
  typename Future<ResultOf<R>>::Outcome Apply(R (*fn)(P...),
                                              const Args&... args) {
    return Submit(fn, args...).Get();
  }

  // ---- A whole range ----
  //
  // Each of the following calls `fn` for each item of a range. `items` may be
  //   one range         for a function of one parameter;
  //   several ranges    an item of each is one call's arguments, up to the end
  //                     of the shortest;
  //   a range of tuples for a function of several parameters: std::tuple, pair
  //                     or array, the parts of each are one call's arguments.
  // A range is whatever has a begin and an end: a container, an array, or a
  // generator of one pass. Its items are read in order, once, and no sooner
  // than they are sent.
  //
  // Several items go to a worker at a time, as many as suits the time that they
  // take: a chunk, which is one task (MapOptions). A worker that dies takes its
  // chunk along: UNAVAILABLE for each of its items. An item's own error is its
  // own alone, and every error has its item's index (item_index.h). The
  // statuses are those of Future::Get.
  //
  // What a range throws ends it: when all that was sent before has ended, it is
  // thrown by Map and TryMap, and by a sequence behind its outcomes.

  // Returns the results in the order of the items, as std::vector, or
  // absl::Status for a function that returns nothing. Waits. An item that takes
  // long holds up its own chunk, and no other; so it is in all that follows but
  // IMap. The first error, by the order of the items, is returned instead: once
  // all that was sent before it was known has ended, with OnError::kStop, or
  // all items, with kContinue.
  template <typename R, typename... P, typename... Ranges>
  MapResult<R> Map(R (*fn)(P...), Ranges&&... items) {
    return Map(MapOptions(), fn, items...);
  }
  template <typename R, typename... P, typename... Ranges>
  MapResult<R> Map(const MapOptions& options, R (*fn)(P...),
                   Ranges&&... items) {
    return map_internal::Map<R>(Run(options, fn, items...));
  }

  // Map for a range of tuples, also for a function of one parameter.
  template <typename R, typename... P, typename Range>
  MapResult<R> StarMap(R (*fn)(P...), Range&& tuples) {
    return StarMap(MapOptions(), fn, tuples);
  }
  template <typename R, typename... P, typename Range>
  MapResult<R> StarMap(const MapOptions& options, R (*fn)(P...),
                       Range&& tuples) {
    return map_internal::Map<R>(Run<Arguments::kParts>(options, fn, tuples));
  }

  // Map for a function that returns nothing.
  template <typename R, typename... P, typename... Ranges>
  absl::Status ForEach(R (*fn)(P...), Ranges&&... items) {
    return ForEach(MapOptions(), fn, items...);
  }
  template <typename R, typename... P, typename... Ranges>
  absl::Status ForEach(const MapOptions& options, R (*fn)(P...),
                       Ranges&&... items) {
    static_assert(std::is_void_v<ResultOf<R>>,
                  "the function has a result: use Map");
    return Map(options, fn, items...);
  }

  // Runs all items, whatever becomes of others (options.on_error is of no
  // account), and returns the outcome of each, as absl::StatusOr, or
  // absl::Status. Waits.
  template <typename R, typename... P, typename... Ranges>
  MapOutcomes<R> TryMap(R (*fn)(P...), Ranges&&... items) {
    return TryMap(MapOptions(), fn, items...);
  }
  template <typename R, typename... P, typename... Ranges>
  MapOutcomes<R> TryMap(MapOptions options, R (*fn)(P...), Ranges&&... items) {
    options.on_error = OnError::kContinue;
    return map_internal::TryMap<R>(Run(options, fn, items...));
  }

  // Map's result as a future, at once. The ranges are moved or copied here; one
  // in std::ref is neither, and must live, unchanged, until the future is
  // ready. They are read on the callback thread (Future::OnDone), which must
  // not be held up meanwhile, and must not throw; RESOURCE_EXHAUSTED if it
  // can't be started. What is begun counts as submitted: it goes on after
  // Close.
  template <typename R, typename... P, typename... Ranges>
  MapFuture<R> MapAsync(R (*fn)(P...), Ranges&&... items) {
    return MapAsync(MapOptions(), fn, std::forward<Ranges>(items)...);
  }
  template <typename R, typename... P, typename... Ranges>
  MapFuture<R> MapAsync(const MapOptions& options, R (*fn)(P...),
                        Ranges&&... items) {
    return MapFuture<R>(
        StartAsyncMap(submitter_, options,
                      KeptSource(options, fn, std::forward<Ranges>(items)...)));
  }

  // The outcomes one by one, in the order of the items, as a sequence to be
  // iterated (map_sequence.h). Begins at once, and reads the ranges, which are
  // kept as by MapAsync, no further ahead than MapOptions::max_pending; so they
  // may have no end. It is read by whoever calls the sequence's Next.
  template <typename R, typename... P, typename... Ranges>
  MapSequence<ResultOf<R>> IMap(R (*fn)(P...), Ranges&&... items) {
    return IMap(MapOptions(), fn, std::forward<Ranges>(items)...);
  }
  template <typename R, typename... P, typename... Ranges>
  MapSequence<ResultOf<R>> IMap(const MapOptions& options, R (*fn)(P...),
                                Ranges&&... items) {
    return Sequence(MapRun::Order::kItems, options, fn,
                    std::forward<Ranges>(items)...);
  }

  // The same in the order in which they end: what is slow holds up no other.
  // The items of a chunk come together, in their order.
  template <typename R, typename... P, typename... Ranges>
  MapSequence<ResultOf<R>> IMapUnordered(R (*fn)(P...), Ranges&&... items) {
    return IMapUnordered(MapOptions(), fn, std::forward<Ranges>(items)...);
  }
  template <typename R, typename... P, typename... Ranges>
  MapSequence<ResultOf<R>> IMapUnordered(const MapOptions& options,
                                         R (*fn)(P...), Ranges&&... items) {
    return Sequence(MapRun::Order::kCompletion, options, fn,
                    std::forward<Ranges>(items)...);
  }

  // ---- Its workers ----

  // From now on there are `num_workers` of them, 1 to 10,000, instead of
  // ProcessPoolOptions::num_workers; and min_workers, but no more. Returns at
  // once: workers are started, or leave when they have ended their tasks.
  //   INVALID_ARGUMENT     `num_workers` is out of range.
  //   FAILED_PRECONDITION  the pool is closed.
  //   others               why the pool failed.
  absl::Status Resize(int num_workers);

  // Replaces all workers that are there now: one after the other, the idle
  // first, each once it has ended its tasks, and the next when its replacement
  // is ready. Returns at once. A worker's task that does not end holds up those
  // behind it. FAILED_PRECONDITION if the pool is closed, or why it failed.
  absl::Status RestartWorkers();

  // ---- What it does ----

  // What the pool did and does, in numbers (pool_stats.h), all of one moment.
  // Also of a pool that is closed, or has failed. It takes some microseconds,
  // and another for a few workers, and holds up the pool meanwhile: ask as
  // often as you like, but not for each task.
  PoolStats Stats();

  // ---- The end ----

  // Ends the submitting: from now on Submit's futures have FAILED_PRECONDITION.
  // What was submitted runs, and then the workers leave. Does not wait. A
  // second Close does nothing.
  void Close();

  // Close, and ends every task that has no outcome yet with CANCELLED, killing
  // the workers. Does not wait.
  void Terminate();

  // Waits until every task has its outcome, its callbacks have returned, and
  // every worker is gone. FAILED_PRECONDITION if neither Close nor Terminate
  // was called before, or within a callback of Future::OnDone, which it would
  // wait for. Otherwise OK, or why the pool failed: UNAVAILABLE or the spawn's
  // error, if workers could not be started, or ended before they were ready,
  // several times in a row; or the error of options.initializer, with its code.
  // May be called again.
  absl::Status Join();

  // The same, for `timeout` at most: DEADLINE_EXCEEDED if the pool has not
  // ended by then. It goes on.
  absl::Status Join(absl::Duration timeout);

  // Close, and lets what was submitted run for `timeout` at most; then
  // Terminate. Waits for the end in both cases, and returns how many tasks were
  // ended by that: 0 if all had the time. FAILED_PRECONDITION within a callback
  // of Future::OnDone; or why the pool failed.
  absl::StatusOr<size_t> Drain(absl::Duration timeout);

  // Ends all tasks that no worker has begun with CANCELLED, and returns how
  // many; the pool goes on with others. Tasks that run go on. Of a worker that
  // is dying at the moment the tasks have their outcome once it is gone.
  size_t CancelPending();

 private:
  ProcessPool(const ProcessPoolOptions& options,
              std::shared_ptr<PoolLoop> loop);

  absl::Status CheckMayJoin() const;
  // Waits for the pool and its callbacks; false if that takes longer.
  bool JoinedWithin(absl::Duration timeout);

  // Of ranges that outlive it.
  template <Arguments kArguments = Arguments::kItems, typename R, typename... P,
            typename... Ranges>
  MapRun Run(const MapOptions& options, R (*fn)(P...), Ranges&... items) {
    return MapRun(
        submitter_, options,
        MakeItemSource<kArguments, Ranges&...>(fn, options.on_error, items...),
        MapRun::Order::kCompletion);
  }

  template <typename R, typename... P, typename... Ranges>
  std::unique_ptr<ItemSource> KeptSource(const MapOptions& options,
                                         R (*fn)(P...), Ranges&&... items) {
    return MakeItemSource<Arguments::kItems, KeptRange<Ranges>...>(
        fn, options.on_error,
        KeptRange<Ranges>(std::forward<Ranges>(items))...);
  }

  template <typename R, typename... P, typename... Ranges>
  MapSequence<ResultOf<R>> Sequence(MapRun::Order order,
                                    const MapOptions& options, R (*fn)(P...),
                                    Ranges&&... items) {
    return MapSequence<ResultOf<R>>(std::make_unique<MapRun>(
        submitter_, options,
        KeptSource(options, fn, std::forward<Ranges>(items)...), order));
  }

  const std::shared_ptr<PoolLoop> loop_;
  const std::shared_ptr<TaskSubmitter> submitter_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_PROCESS_POOL_H_
