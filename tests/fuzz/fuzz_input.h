// What all fuzzers use: the bytes of an input as numbers and pieces, a check
// that ends the run, and how much memory the heap takes.
//
//   extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
//     multiproc::FuzzInput in(data, size);
//     const size_t limit = in.Number(1000);
//     const absl::string_view bytes = in.Piece();
//     FUZZ_CHECK(Measure(bytes) <= limit);
//     return 0;
//   }
//
// Any input means something, and one that is changed a little means about the
// same. Not thread-safe.

#ifndef MULTIPROC_TESTS_FUZZ_FUZZ_INPUT_H_
#define MULTIPROC_TESTS_FUZZ_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace multiproc {

class FuzzInput {
 public:
  // `data` must outlive the FuzzInput.
  FuzzInput(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  // The next byte; 0 at the end.
  uint8_t Byte();
  // A number up to `max`, by as many bytes as that has, little-endian.
  uint64_t Number(uint64_t max);
  // As many bytes as the next byte says, or as there are.
  absl::string_view Piece();
  // All that is left.
  absl::string_view Rest();

 private:
  absl::string_view Take(size_t size);

  absl::string_view rest_;
};

// Ends the process, and says where, unless `condition` holds.
#define FUZZ_CHECK(condition)         \
  ((condition) ? static_cast<void>(0) \
               : ::multiproc::FuzzCheckFailed(#condition, __FILE__, __LINE__))

[[noreturn]] void FuzzCheckFailed(const char* condition, const char* file,
                                  int line);

// How many bytes of the heap are allocated. 0 where nobody counts them: without
// AddressSanitizer.
size_t HeapBytes();

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_FUZZ_FUZZ_INPUT_H_
