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
//   * Tasks are started in the order in which they were submitted.
//   * No worker outlives its parent by more than a second, however that dies.

#ifndef MULTIPROC_POOL_PROCESS_POOL_H_
#define MULTIPROC_POOL_PROCESS_POOL_H_

#include <memory>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/future.h"
#include "multiproc/pool/pool_loop.h"
#include "multiproc/pool/pool_options.h"

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

  std::shared_ptr<FutureState> SubmitCall(const TaskOptions& options,
                                          absl::StatusOr<PackedCall> call);

  const ProcessPoolOptions options_;
  const std::shared_ptr<PoolLoop> loop_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_PROCESS_POOL_H_
