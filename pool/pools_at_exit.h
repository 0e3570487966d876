// What becomes of pools that live when the program exits: by
// ProcessPoolOptions::at_exit, within exit_timeout, and before the destructors
// of static variables that were made before the pool had its first task.
//
//   PoolsAtExit::Get().Add(submitter);      // when a pool is made
//   PoolsAtExit::Get().Remove(submitter);   // before it is destroyed
//
// Thread-safe. Never destroyed. Each process has its own: a fork of the program
// that exits ends no pool of its parent.

#ifndef MULTIPROC_POOL_POOLS_AT_EXIT_H_
#define MULTIPROC_POOL_POOLS_AT_EXIT_H_

#include <memory>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/pool/task_submitter.h"

namespace multiproc {

class PoolsAtExit {
 public:
  // This process's.
  static PoolsAtExit& Get();

  void Add(std::shared_ptr<TaskSubmitter> pool);
  void Remove(const std::shared_ptr<TaskSubmitter>& pool);

  // Ends them all, at once, and waits for each as long as it may take; and
  // forgets them.
  void EndAll();

 private:
  absl::Mutex mutex_;
  std::set<std::shared_ptr<TaskSubmitter>> pools_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_POOLS_AT_EXIT_H_
