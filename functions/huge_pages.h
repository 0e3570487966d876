// Great memory in great pages: Linux makes one of 2 MiB for about the price of
// one of 4 KiB, and only where it is asked to (madvise(2), MADV_HUGEPAGE).
//
//   ReserveInHugePages(size, &text);
//   AdviseHugePages(memory, size);           // before anything is written
//
// Thread-safe.

#ifndef MULTIPROC_FUNCTIONS_HUGE_PAGES_H_
#define MULTIPROC_FUNCTIONS_HUGE_PAGES_H_

#include <cstddef>

namespace multiproc {

inline constexpr size_t kHugePage = size_t{2} << 20;

// For the great pages that lie within these bytes; nothing happens where there
// are none, or the system has none.
void AdviseHugePages(char* memory, size_t size);

// Room for `size` elements in `container`, a string or a vector, where they are
// new in great pages.
template <typename Container>
void ReserveInHugePages(size_t size, Container* container) {
  if (container->capacity() >= size) return;
  container->reserve(size);
  AdviseHugePages(
      reinterpret_cast<char*>(container->data() + container->size()),
      (container->capacity() - container->size()) * sizeof(*container->data()));
}

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_HUGE_PAGES_H_
