#include "multiproc/functions/kept_by_process.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#ifdef __linux__
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace multiproc {
namespace {

// Its size is in its first bytes.
std::atomic<char*> kept{nullptr};

std::atomic<bool> may_keep{true};

#if defined(__linux__) && defined(MADV_FREE)
// What is kept counts as used there (setrlimit(2), RLIMIT_AS).
bool AddressesAreLimited() {
  struct rlimit limit = {};
  return getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}
#endif

// Whole pages, without the first, which has the size. (The kernel rounds up:
// with another size of pages it would take what lies behind.)
bool LetSystemTake(char* memory, size_t size) {
#if defined(__linux__) && defined(MADV_FREE)
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  if (AddressesAreLimited()) return false;
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (begin + sizeof(size) + page - 1) / page * page;
  const uintptr_t last = (begin + size) / page * page;
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
  if (!may_keep || size > kLargestKeptByProcess ||
      !LetSystemTake(memory, size)) {
    return false;
  }
  std::memcpy(memory, &size, sizeof(size));
  std::free(kept.exchange(memory, std::memory_order_acq_rel));
  return true;
}

void KeepNothingByProcess() {
  may_keep = false;
  FreeKeptByProcess();
}

void FreeKeptByProcess() {
  if (kept.load(std::memory_order_relaxed) == nullptr) return;
  std::free(kept.exchange(nullptr, std::memory_order_acq_rel));
}

}  // namespace multiproc
