#include "multiproc/pool/task_memory.h"

#include <algorithm>
#include <utility>

#include "absl/base/config.h"
#include "multiproc/functions/huge_pages.h"

namespace multiproc {
namespace {

// ASan knows what is used after it was freed only of memory that it has itself.
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
constexpr bool kReuse = false;
#else
constexpr bool kReuse = true;
#endif

constexpr std::align_val_t kAlignment{kHugePage};

size_t Rounded(size_t size) {
  constexpr size_t kTo = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  return (size + kTo - 1) / kTo * kTo;
}

char* NewChunk(size_t size) {
  if (size < kHugePage) return static_cast<char*>(::operator new(size));
  char* const chunk = static_cast<char*>(::operator new(size, kAlignment));
  AdviseHugePages(chunk, size);
  return chunk;
}

void DeleteChunk(char* chunk, size_t size) {
  if (size < kHugePage) return ::operator delete(chunk);
  ::operator delete(chunk, kAlignment);
}

}  // namespace

void TaskMemory::Abandon::operator()(TaskMemory* memory) const {
  bool last = false;
  {
    absl::MutexLock lock(&memory->mutex_);
    memory->abandoned_ = true;
    last = memory->num_used_ == 0;
  }
  if (last) delete memory;
}

TaskMemory::~TaskMemory() {
  absl::MutexLock lock(&mutex_);
  Shrink(0);
}

void* TaskMemory::Allocate(size_t size) {
  absl::MutexLock lock(&mutex_);
  ++num_used_;
  if (!kReuse) return ::operator new(size);
  if (free_ != nullptr) return std::exchange(free_, free_->next);
  const size_t block_size = Rounded(size);
  if (fresh_size_ < block_size) NextChunk(block_size);
  fresh_size_ -= block_size;
  return std::exchange(fresh_, fresh_ + block_size);
}

void TaskMemory::Free(void* block) {
  bool last = false;
  {
    absl::MutexLock lock(&mutex_);
    --num_used_;
    if (kReuse) {
      free_ = new (block) FreeBlock{free_};
    } else {
      ::operator delete(block);
    }
    if (num_used_ == 0 && size_ > kKept) Shrink(kKept);
    last = num_used_ == 0 && abandoned_;
  }
  if (last) delete this;
}

size_t TaskMemory::size() {
  absl::MutexLock lock(&mutex_);
  return size_;
}

// Twice as much each time, so that few tasks take little.
void TaskMemory::NextChunk(size_t block_size) {
  if (num_chunks_used_ == chunks_.size()) {
    const size_t size =
        std::max(std::clamp(size_, kFirstChunk, kHugePage), block_size);
    chunks_.push_back({NewChunk(size), size});
    size_ += size;
  }
  fresh_ = chunks_[num_chunks_used_].begin;
  fresh_size_ = chunks_[num_chunks_used_].size;
  ++num_chunks_used_;
}

// Nothing is used: chunks go, and those that are kept are begun anew.
void TaskMemory::Shrink(size_t kept) {
  while (size_ > kept) {
    DeleteChunk(chunks_.back().begin, chunks_.back().size);
    size_ -= chunks_.back().size;
    chunks_.pop_back();
  }
  num_chunks_used_ = 0;
  free_ = nullptr;
  fresh_size_ = 0;
}

}  // namespace multiproc
