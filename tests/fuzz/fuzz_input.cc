#include "tests/fuzz/fuzz_input.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MULTIPROC_HEAP_IS_COUNTED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define MULTIPROC_HEAP_IS_COUNTED 1
#endif
// GCC has the sanitizer, and not this header.
#if defined(MULTIPROC_HEAP_IS_COUNTED) && \
    !__has_include(<sanitizer/allocator_interface.h>)
#undef MULTIPROC_HEAP_IS_COUNTED
#endif
#ifdef MULTIPROC_HEAP_IS_COUNTED
#include <sanitizer/allocator_interface.h>
#endif

namespace multiproc {

absl::string_view FuzzInput::Take(size_t size) {
  const absl::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(taken.size());
  return taken;
}

uint8_t FuzzInput::Byte() { return static_cast<uint8_t>(Number(0xff)); }

uint64_t FuzzInput::Number(uint64_t max) {
  uint64_t number = 0;
  int shift = 0;
  for (uint64_t left = max; left > 0; left >>= 8, shift += 8) {
    const absl::string_view byte = Take(1);
    if (byte.empty()) break;
    number |= uint64_t{static_cast<uint8_t>(byte[0])} << shift;
  }
  return max == ~uint64_t{0} ? number : number % (max + 1);
}

absl::string_view FuzzInput::Piece() { return Take(Byte()); }

absl::string_view FuzzInput::Rest() { return Take(rest_.size()); }

void FuzzCheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
  std::abort();
}

size_t HeapBytes() {
#ifdef MULTIPROC_HEAP_IS_COUNTED
  return __sanitizer_get_current_allocated_bytes();
#else
  return 0;
#endif
}

}  // namespace multiproc
