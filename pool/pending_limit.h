// How many tasks of a pool may have no outcome yet, and how many bytes their
// arguments may take: what makes Submit wait.
//
//   PendingLimit limit(/*max_tasks=*/1000, /*max_bytes=*/0);
//   limit.AddWhenRoom(bytes);                  // or TryAdd
//   ...
//   limit.Remove(bytes);                       // its outcome is there
//
// A task with more bytes than may be pending in all is let in alone.
//
// Thread-safe.

#ifndef MULTIPROC_POOL_PENDING_LIMIT_H_
#define MULTIPROC_POOL_PENDING_LIMIT_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace multiproc {

class PendingLimit {
 public:
  // Zero for any number.
  PendingLimit(size_t max_tasks, size_t max_bytes)
      : max_tasks_(max_tasks), max_bytes_(max_bytes) {}

  // Counts a task in: if there is room, which is returned; once there is, in
  // the order in which they came; or in any case. Nobody overtakes one who
  // waits but by Add: small tasks would keep out a great one for ever.
  bool TryAdd(size_t bytes);
  void AddWhenRoom(size_t bytes);
  void Add(size_t bytes);

  // Counts it out.
  void Remove(size_t bytes);

  // Lets everybody in from now on: the pool takes no further tasks, and says
  // so itself.
  void Open();

 private:
  // For the one whose turn it is.
  bool HasRoom(size_t bytes) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Count(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_tasks_;
  const size_t max_bytes_;
  absl::Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  // Those who wait have the numbers from the one to the other.
  uint64_t next_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t turns_given_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t tasks_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_PENDING_LIMIT_H_
