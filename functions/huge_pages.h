// Great memory in great pages: Linux makes one of 2 MiB for about the price of
// one of 4 KiB, and only where it is asked to (madvise(2), MADV_HUGEPAGE).
//
//   text.reserve(size);
//   AdviseHugePages(text.data(), size);      // before anything is written
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

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_HUGE_PAGES_H_
