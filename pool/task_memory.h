// Memory for the tasks of a pool, of which a million may be queued: blocks of
// one size, in chunks that grow up to huge pages. The first touch of a page is
// most of what a queued task costs otherwise, as the C library gives back to
// the system what a burst of tasks has left behind.
//
//   TaskMemory::Ptr memory = TaskMemory::Create();
//   auto task = std::allocate_shared<Task>(TaskAllocator<Task>(memory.get()),
//                                          owner);
//
// Tasks may outlive `memory`: the last of them releases what is there. Memory
// is released only when no task is left, as each chunk may have a part of one
// that is: before, it is for other tasks.
//
// Thread-safe, but for the destruction of the Ptr.

#ifndef MULTIPROC_POOL_TASK_MEMORY_H_
#define MULTIPROC_POOL_TASK_MEMORY_H_

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace multiproc {

class TaskMemory {
 public:
  struct Abandon {
    void operator()(TaskMemory* memory) const;
  };
  using Ptr = std::unique_ptr<TaskMemory, Abandon>;

  static Ptr Create() { return Ptr(new TaskMemory); }

  // A block of `size` bytes, the same in each call, aligned as of operator new.
  void* Allocate(size_t size);

  // Takes it back. With the last one, chunks beyond kKept bytes are released.
  void Free(void* block);

  // Bytes in chunks.
  size_t size();

  static constexpr size_t kKept = size_t{4} << 20;

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  struct Chunk {
    char* begin;
    size_t size;
  };
  static constexpr size_t kFirstChunk = size_t{16} << 10;

  TaskMemory() = default;
  ~TaskMemory();

  void NextChunk(size_t block_size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Shrink(size_t kept) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  // Blocks that were used, and what of the newest chunk was not.
  FreeBlock* free_ ABSL_GUARDED_BY(mutex_) = nullptr;
  char* fresh_ ABSL_GUARDED_BY(mutex_) = nullptr;
  size_t fresh_size_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Chunk> chunks_ ABSL_GUARDED_BY(mutex_);
  size_t num_chunks_used_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t size_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t num_used_ ABSL_GUARDED_BY(mutex_) = 0;
  // The Ptr is gone.
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
};

// For std::allocate_shared alone, which allocates one block at a time.
template <typename T>
class TaskAllocator {
 public:
  using value_type = T;

  explicit TaskAllocator(TaskMemory* memory) : memory_(memory) {}
  template <typename U>
  // NOLINTNEXTLINE(google-explicit-constructor)
  TaskAllocator(const TaskAllocator<U>& other) : memory_(other.memory()) {}

  T* allocate(size_t) { return static_cast<T*>(memory_->Allocate(sizeof(T))); }
  void deallocate(T* block, size_t) { memory_->Free(block); }

  TaskMemory* memory() const { return memory_; }
  template <typename U>
  bool operator==(const TaskAllocator<U>& other) const {
    return memory_ == other.memory();
  }
  template <typename U>
  bool operator!=(const TaskAllocator<U>& other) const {
    return memory_ != other.memory();
  }

 private:
  TaskMemory* memory_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_TASK_MEMORY_H_
