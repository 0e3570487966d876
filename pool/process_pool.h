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

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/chunk_policy.h"
#include "multiproc/pool/future.h"
#include "multiproc/pool/future_state.h"
#include "multiproc/pool/pool_loop.h"
#include "multiproc/pool/pool_options.h"
#include "multiproc/pool/task_memory.h"

namespace multiproc {

// What Map returns for a function of result type R.
template <typename R>
using MapResult =
    std::conditional_t<std::is_void_v<ResultOf<R>>, absl::Status,
                       absl::StatusOr<std::vector<std::conditional_t<
                           std::is_void_v<ResultOf<R>>, char, ResultOf<R>>>>>;

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
  //                        can't be used in a program with threads.
  //   NOT_FOUND            MULTIPROC_EXECUTOR names no backend.
  //   others               the first worker that could not be started.
  static absl::StatusOr<std::unique_ptr<ProcessPool>> Create(
      const ProcessPoolOptions& options = {});

  // Close, and Join: runs what was submitted. Terminate() before it, if that is
  // not wanted. Not from a callback of Future::OnDone.
  ~ProcessPool();

  ProcessPool(const ProcessPool&) = delete;
  ProcessPool& operator=(const ProcessPool&) = delete;

  // Runs the registered function `fn` with `args` in a worker, and returns at
  // once. Everything that can go wrong is told by the future (future.h).
  template <typename R, typename... P, typename... Args>
  Future<ResultOf<R>> Submit(R (*fn)(P...), const Args&... args) {
    return Submit(TaskOptions(), fn, args...);
  }

  // The same, with options of its own.
  template <typename R, typename... P, typename... Args>
  Future<ResultOf<R>> Submit(const TaskOptions& options, R (*fn)(P...),
                             const Args&... args) {
    return Future<ResultOf<R>>(SubmitCall(options, PackCall(fn, args...)));
  }

  // Calls `fn` for each of `items`, a container or another range, and returns
  // the results in their order, or absl::Status for a function that returns
  // nothing. Waits. Several calls go to a worker at a time, as many as suits
  // the time that they take, and items are taken from the range as they are
  // needed. The first error ends it, and is returned; calls that are under way
  // then end first. Each chunk of items is one task: TaskOptions apply to it,
  // and a worker that dies takes its chunk along.
  template <typename R, typename P, typename Range>
  MapResult<R> Map(R (*fn)(P), const Range& items) {
    return Map(TaskOptions(), fn, items);
  }
  template <typename R, typename P, typename Range>
  MapResult<R> Map(const TaskOptions& options, R (*fn)(P), const Range& items) {
    MapRun<R, P, Range> run(this, options, fn, items);
    return run.Run();
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
  // several times in a row. May be called again.
  absl::Status Join();

 private:
  ProcessPool(const ProcessPoolOptions& options,
              std::shared_ptr<PoolLoop> loop);

  template <typename R, typename P, typename Range>
  class MapRun;

  // `count` calls, whose arguments stand in a row.
  std::shared_ptr<FutureState> SubmitCall(const TaskOptions& options,
                                          absl::StatusOr<PackedCall> call,
                                          uint32_t count = 1);

  const ProcessPoolOptions options_;
  const TaskMemory::Ptr task_memory_ = TaskMemory::Create();
  const std::shared_ptr<PoolLoop> loop_;
};

// ---- Nothing below needs to be read to use a pool. ----

// One Map: chunks are packed and sent ahead, and unpacked in their order.
template <typename R, typename P, typename Range>
class ProcessPool::MapRun {
 public:
  MapRun(ProcessPool* pool, const TaskOptions& options, R (*fn)(P),
         const Range& items)
      : pool_(pool),
        options_(options),
        call_(
            function_internal::FindRegistration(function_internal::KeyOf(fn))),
        next_(std::begin(items)),
        end_(std::end(items)),
        remaining_(SizeOf(items, 0)),
        policy_(static_cast<size_t>(pool->options_.num_workers)) {
    if constexpr (!kIsVoid) results_.reserve(remaining_.value_or(0));
  }

  MapResult<R> Run() {
    absl::Status status = call_.status();
    while (status.ok()) {
      while (status.ok() && next_ != end_ &&
             chunks_.size() < policy_.max_chunks()) {
        status = SendChunk();
      }
      if (!status.ok() || chunks_.empty()) break;
      status = TakeChunk();
    }
    for (const Chunk& chunk : chunks_) {
      chunk.state->Wait(absl::InfiniteDuration());
    }
    if constexpr (kIsVoid) {
      return status;
    } else {
      if (!status.ok()) return status;
      return std::move(results_);
    }
  }

 private:
  static constexpr bool kIsVoid = std::is_void_v<ResultOf<R>>;
  using Result = std::conditional_t<kIsVoid, char, ResultOf<R>>;
  struct Chunk {
    std::shared_ptr<FutureState> state;
    uint32_t count;
  };

  // Of a range that knows it: then the first is the better match for an int.
  template <typename T>
  static auto SizeOf(const T& items, int)
      -> decltype(std::optional<size_t>(std::size(items))) {
    return std::size(items);
  }
  template <typename T>
  static std::optional<size_t> SizeOf(const T&, long) {
    return std::nullopt;
  }

  absl::Status SendChunk() {
    PackedCall call;
    call.function = *call_;
    Encoder encoder(&call.arguments);
    const size_t size = (std::min)(policy_.NextSize(remaining_), most_items_);
    const size_t limit = pool_->options_.max_frame_bytes / 4;
    uint32_t count = 0;
    do {
      const size_t before = call.arguments.size();
      const auto& item = *next_;
      encoder.template Put<function_internal::Stored<P>>(
          function_internal::ToPacked<P>(item));
      // One that is great is alone.
      if (count > 0 && call.arguments.size() > limit) {
        call.arguments.resize(before);
        break;
      }
      ++next_;
      ++count;
    } while (count < size && next_ != end_ &&
             call.arguments.size() <
                 (std::min)(ChunkPolicy::kChunkBytes, limit));
    if (!encoder.status().ok()) return encoder.status();
    if (remaining_.has_value()) *remaining_ -= count;
    chunks_.push_back(
        {pool_->SubmitCall(options_, std::move(call), count), count});
    return absl::OkStatus();
  }

  absl::Status TakeChunk() {
    const Chunk chunk = std::move(chunks_.front());
    chunks_.pop_front();
    chunk.state->Wait(absl::InfiniteDuration());
    if (!chunk.state->status().ok()) return chunk.state->status();
    policy_.Record(chunk.count, chunk.state->run_time());
    // Their results are to fit into a frame, too.
    const size_t bytes_each = chunk.state->result().size() / chunk.count + 1;
    const size_t items_that_fit =
        pool_->options_.max_frame_bytes / 4 / bytes_each + 1;
    most_items_ = (std::min)(most_items_, items_that_fit);
    if constexpr (!kIsVoid) {
      Decoder decoder(chunk.state->result());
      for (uint32_t i = 0; i < chunk.count; ++i) {
        Result result{};
        if (!decoder.Get(&result)) return future_internal::ResultError();
        results_.push_back(std::move(result));
      }
    }
    return absl::OkStatus();
  }

  ProcessPool* const pool_;
  const TaskOptions options_;
  const absl::StatusOr<const function_internal::Registration*> call_;
  decltype(std::begin(std::declval<const Range&>())) next_;
  const decltype(std::end(std::declval<const Range&>())) end_;
  std::optional<size_t> remaining_;
  ChunkPolicy policy_;
  // By the size of the results so far.
  size_t most_items_ = ~size_t{0};
  std::deque<Chunk> chunks_;
  std::vector<Result> results_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_PROCESS_POOL_H_
