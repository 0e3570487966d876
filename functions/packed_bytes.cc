#include "multiproc/functions/packed_bytes.h"

#include <algorithm>
#include <cstdlib>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace multiproc {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// What a thread keeps of what it released: one piece, up to this size.
constexpr size_t kLargestKept = size_t{4} << 20;

// Rounded up, so that pieces of about one size serve each other.
constexpr size_t kGranule = size_t{64} << 10;

struct Kept {
  ~Kept() { std::free(data); }
  char* data = nullptr;
  size_t capacity = 0;
};

Kept& KeptByThisThread() {
  thread_local Kept kept;
  return kept;
}

char* NewMemory(size_t capacity) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // One page fault for 2 MiB instead of 512.
  if (capacity > kLargestKept) {
    void* const memory = std::aligned_alloc(kHugePage, capacity);
    if (memory != nullptr) madvise(memory, capacity, MADV_HUGEPAGE);
    return static_cast<char*>(memory);
  }
#endif
  return static_cast<char*>(std::malloc(capacity));
}

}  // namespace

PackedBytes PackedBytes::Allocate(size_t size) {
  const size_t granule = size > kLargestKept ? kHugePage : kGranule;
  PackedBytes bytes;
  bytes.capacity_ =
      std::max<size_t>((size + granule - 1) / granule * granule, granule);
  Kept& kept = KeptByThisThread();
  if (kept.capacity >= bytes.capacity_) {
    bytes.data_ = std::exchange(kept.data, nullptr);
    bytes.capacity_ = std::exchange(kept.capacity, 0);
  } else {
    bytes.data_ = NewMemory(bytes.capacity_);
  }
  if (bytes.data_ != nullptr) {
    bytes.view_ = absl::string_view(bytes.data_, size);
  }
  return bytes;
}

void PackedBytes::Release() {
  if (data_ == nullptr) return;
  Kept& kept = KeptByThisThread();
  if (capacity_ <= kLargestKept && capacity_ > kept.capacity) {
    std::swap(data_, kept.data);
    std::swap(capacity_, kept.capacity);
  }
  std::free(data_);
  data_ = nullptr;
}

}  // namespace multiproc
