#include "multiproc/functions/packed_bytes.h"

#include <algorithm>
#include <cstdlib>

#include "multiproc/functions/huge_pages.h"
#include "multiproc/functions/kept_by_process.h"
#include "multiproc/functions/kept_by_thread.h"

namespace multiproc {
namespace {

// Rounded up, so that pieces of about one size serve each other.
constexpr size_t kGranule = size_t{64} << 10;

struct Piece {
  ~Piece() { std::free(data); }
  char* data = nullptr;
  size_t capacity = 0;
  // Who only releases what others have allocated needs none.
  bool thread_allocates = false;
};

// Of `*capacity` bytes, or more, which it then is.
char* NewMemory(size_t* capacity) {
  if (*capacity > kLargestKept) {
    char* const kept = TakeKeptByProcess(capacity);
    if (kept != nullptr) return kept;
  }
  char* const memory = static_cast<char*>(std::malloc(*capacity));
  if (memory != nullptr && *capacity > kLargestKept) {
    AdviseHugePages(memory, *capacity);
  }
  return memory;
}

}  // namespace

PackedBytes PackedBytes::Allocate(size_t size) {
  PackedBytes bytes;
  bytes.capacity_ =
      std::max<size_t>((size + kGranule - 1) / kGranule * kGranule, kGranule);
  Piece* const kept = KeptByThisThread<Piece>();
  if (kept != nullptr) kept->thread_allocates = true;
  // Somebody may keep it for long, and it is to be about what he has.
  if (kept != nullptr && kept->capacity >= bytes.capacity_ &&
      kept->capacity <= 2 * bytes.capacity_) {
    bytes.data_ = std::exchange(kept->data, nullptr);
    bytes.capacity_ = std::exchange(kept->capacity, 0);
  } else {
    bytes.data_ = NewMemory(&bytes.capacity_);
  }
  if (bytes.data_ != nullptr) {
    bytes.view_ = absl::string_view(bytes.data_, size);
  }
  return bytes;
}

std::shared_ptr<const void> PackedBytes::Share() {
  if (!is_valid()) return nullptr;
  const absl::string_view view = view_;
  auto shared = std::make_shared<const PackedBytes>(std::move(*this));
  view_ = view;
  return shared;
}

void PackedBytes::Release() {
  char* const data = std::exchange(data_, nullptr);
  // The last one: what is wanted next is likely as great.
  if (capacity_ > kLargestKept) {
    if (!KeepByProcess(data, capacity_)) std::free(data);
    return;
  }
  Piece* const kept = KeptByThisThread<Piece>();
  if (kept == nullptr || !kept->thread_allocates) return std::free(data);
  std::free(std::exchange(kept->data, data));
  kept->capacity = capacity_;
}

}  // namespace multiproc
