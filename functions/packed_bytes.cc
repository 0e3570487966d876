#include "multiproc/functions/packed_bytes.h"

#include <algorithm>
#include <cstdlib>

#include "multiproc/functions/huge_pages.h"

namespace multiproc {
namespace {

// What a thread keeps of what it released: one piece, up to this size.
constexpr size_t kLargestKept = size_t{4} << 20;

// Rounded up, so that pieces of about one size serve each other.
constexpr size_t kGranule = size_t{64} << 10;

// Once a thread has ended it keeps nothing: what outlives it, such as a static
// object, still releases. This variable has no destructor, and so is there.
thread_local bool thread_has_ended = false;

struct Kept {
  ~Kept() {
    thread_has_ended = true;
    std::free(data);
  }
  char* data = nullptr;
  size_t capacity = 0;
};

Kept& KeptByThisThread() {
  thread_local Kept kept;
  return kept;
}

char* NewMemory(size_t capacity) {
  char* const memory = static_cast<char*>(std::malloc(capacity));
  if (memory != nullptr && capacity > kLargestKept) {
    AdviseHugePages(memory, capacity);
  }
  return memory;
}

}  // namespace

PackedBytes PackedBytes::Allocate(size_t size) {
  PackedBytes bytes;
  bytes.capacity_ =
      std::max<size_t>((size + kGranule - 1) / kGranule * kGranule, kGranule);
  if (!thread_has_ended && KeptByThisThread().capacity >= bytes.capacity_) {
    Kept& kept = KeptByThisThread();
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
  if (!thread_has_ended && capacity_ <= kLargestKept &&
      capacity_ > KeptByThisThread().capacity) {
    std::swap(data_, KeptByThisThread().data);
    std::swap(capacity_, KeptByThisThread().capacity);
  }
  std::free(data_);
  data_ = nullptr;
}

}  // namespace multiproc
