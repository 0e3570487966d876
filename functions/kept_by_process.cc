#include "multiproc/functions/kept_by_process.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace multiproc {
namespace {

// Its size is in its first bytes.
std::atomic<char*> kept{nullptr};

// Whole pages, without the first, which has the size.
bool LetSystemTake(char* memory, size_t size) {
#if defined(__linux__) && defined(MADV_FREE)
  constexpr uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (begin + sizeof(size) + kPage - 1) / kPage * kPage;
  const uintptr_t last = (begin + size) / kPage * kPage;
  return first < last &&
         madvise(memory + (first - begin), last - first, MADV_FREE) == 0;
#else
  (void)memory;
  (void)size;
  return false;
#endif
}

}  // namespace

char* TakeKeptByProcess(size_t* size) {
  // Most processes never have one.
  if (kept.load(std::memory_order_relaxed) == nullptr) return nullptr;
  char* const memory = kept.exchange(nullptr, std::memory_order_acq_rel);
  if (memory == nullptr) return nullptr;
  size_t has = 0;
  std::memcpy(&has, memory, sizeof(has));
  if (has < *size || has / 2 > *size) {
    std::free(memory);
    return nullptr;
  }
  *size = has;
  return memory;
}

bool KeepByProcess(char* memory, size_t size) {
  if (size > kLargestKeptByProcess || !LetSystemTake(memory, size)) {
    return false;
  }
  std::memcpy(memory, &size, sizeof(size));
  std::free(kept.exchange(memory, std::memory_order_acq_rel));
  return true;
}

void FreeKeptByProcess() {
  if (kept.load(std::memory_order_relaxed) == nullptr) return;
  std::free(kept.exchange(nullptr, std::memory_order_acq_rel));
}

}  // namespace multiproc
