#include "multiproc/pool/pools_at_exit.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/pool/callback_thread.h"
#include "multiproc/pool/exit_hook.h"
#include "multiproc/pool/pool_loop.h"
#include "multiproc/pool/pool_options.h"

namespace multiproc {
namespace {

// A fork has its parent's, too, and leaves it alone: the lock may be held by a
// thread that there is in the parent only.
struct OfProcess {
  const int64_t pid;
  const OfProcess* const parents;
  PoolsAtExit pools;
};

std::atomic<OfProcess*> latest{nullptr};

// What is left to do when a worker is killed: to see that it is gone.
constexpr absl::Duration kKillTime = absl::Seconds(5);

void EndPoolsAtExit() { PoolsAtExit::Get().EndAll(); }

void Begin(TaskSubmitter& pool) {
  const AtExit at_exit = pool.options().at_exit;
  if (at_exit == AtExit::kTerminate) {
    pool.loop()->Terminate(absl::CancelledError("the program exited"));
    return;
  }
  pool.Close();
  if (at_exit != AtExit::kRunStarted) return;
  pool.CancelRuns();
  pool.loop()->CancelPending();
}

// Callbacks that it waits for must not run on the caller's own thread.
void Finish(TaskSubmitter& pool, absl::Time deadline) {
  const absl::Duration left = deadline - MonotonicNow();
  if (!pool.loop()->WaitForEnd(std::max(left, absl::ZeroDuration()))) {
    pool.loop()->Terminate(absl::CancelledError("the program exited"));
    // Some worker can't be killed. It may end still, and there must be a thread
    // for callbacks then.
    if (!pool.loop()->WaitForEnd(kKillTime)) return;
    deadline = std::max(deadline, MonotonicNow() + kKillTime);
  }
  CallbackThread& callbacks = pool.loop()->callbacks();
  if (!callbacks.IsCurrent()) {
    callbacks.ShutdownWithTimeout(deadline - MonotonicNow());
  }
}

}  // namespace

PoolsAtExit& PoolsAtExit::Get() {
  const int64_t pid = CurrentPid();
  OfProcess* found = latest;
  if (found != nullptr && found->pid == pid) return found->pools;
  std::unique_ptr<OfProcess> made(new OfProcess{pid, found, {}});
  // If it fails, another thread of this process was faster.
  if (latest.compare_exchange_strong(found, made.get())) found = made.release();
  return found->pools;
}

void PoolsAtExit::Add(std::shared_ptr<TaskSubmitter> pool) {
  ExitHook::Set(EndPoolsAtExit);
  absl::MutexLock lock(&mutex_);
  pools_.insert(std::move(pool));
}

void PoolsAtExit::Remove(const std::shared_ptr<TaskSubmitter>& pool) {
  absl::MutexLock lock(&mutex_);
  pools_.erase(pool);
}

void PoolsAtExit::EndAll() {
  std::vector<std::pair<std::shared_ptr<TaskSubmitter>, absl::Time>> ending;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = MonotonicNow();
    for (const std::shared_ptr<TaskSubmitter>& pool : pools_) {
      ending.emplace_back(pool, now + pool->options().exit_timeout);
    }
    // It may be called again, and is not to wait for them again.
    pools_.clear();
  }
  for (auto& [pool, deadline] : ending) Begin(*pool);
  for (auto& [pool, deadline] : ending) Finish(*pool, deadline);
}

}  // namespace multiproc
