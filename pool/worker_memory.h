// The memory that a worker shares with its parent, and with nobody else.

#ifndef MULTIPROC_POOL_WORKER_MEMORY_H_
#define MULTIPROC_POOL_WORKER_MEMORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "multiproc/executors/shared_memory.h"

namespace multiproc {

// All zero at first. Each part on lines of the cache of its own.
struct WorkerMemory {
  // Another one with each change of this, of task.proto or of the frames: a
  // worker may be another program than its parent, and have been built earlier.
  static constexpr uint32_t kLayout = 1;

  static constexpr size_t kJournalBytes = 60 << 10;

  // Not 0 if the worker was told to leave: the end of its requests is no death
  // of its parent then.
  alignas(64) std::atomic<uint32_t> dismissed;
  // Of TaskGate.
  alignas(64) std::atomic<uint64_t> gate;
  // Of CurrentTask, written by the parent alone: the id of the task that is
  // asked to end, and of those that have got listeners after they were sent,
  // each at its id modulo their number.
  static constexpr size_t kListened = 512;
  alignas(64) std::atomic<uint64_t> notice;
  alignas(64) std::atomic<uint64_t> listened[kListened];
  // Of AnswerJournal.
  alignas(64) std::atomic<uint64_t> journal_begin;
  std::atomic<uint64_t> journal_end;
  alignas(64) char journal[kJournalBytes];

  // In the memory that SharedMemory has made for it.
  static absl::StatusOr<SharedMemory> Create() {
    return SharedMemory::Create(sizeof(WorkerMemory));
  }
  static absl::StatusOr<SharedMemory> Open(ScopedFileHandle handle) {
    return SharedMemory::Open(std::move(handle), sizeof(WorkerMemory));
  }
  static WorkerMemory* In(const SharedMemory& memory) {
    return reinterpret_cast<WorkerMemory*>(memory.data());
  }
};

static_assert(std::atomic<uint64_t>::is_always_lock_free,
              "two processes can't share a lock that is not in the memory");

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_MEMORY_H_
