// Packed arguments or results: bytes that belong to somebody else, or bytes of
// their own that are released with them, or with the last of those who share
// them.
//
//   PackedBytes small(view);                       // must outlive it
//   PackedBytes great = PackedBytes::Allocate(size);
//   ... fill great.data() ...
//   Decoder decoder(great.view());
//   great = PackedBytes();                         // the memory is free again
//
// Not thread-safe.

#ifndef MULTIPROC_FUNCTIONS_PACKED_BYTES_H_
#define MULTIPROC_FUNCTIONS_PACKED_BYTES_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"

namespace multiproc {

class PackedBytes {
 public:
  PackedBytes() = default;
  // Bytes that outlive this object.
  explicit PackedBytes(absl::string_view bytes) : view_(bytes) {}

  // `size` bytes of its own, which hold anything, and take memory as they are
  // written to; is_valid() is false if there is no memory. Some that was
  // released is kept for the next, which then has at most twice as much as it
  // needs: each thread that allocates keeps up to 4 MiB (kept_by_thread.h), and
  // the process one piece that is greater (kept_by_process.h).
  static PackedBytes Allocate(size_t size);

  ~PackedBytes() {
    if (is_valid()) Release();
  }
  PackedBytes(PackedBytes&& other) noexcept { *this = std::move(other); }
  PackedBytes& operator=(PackedBytes&& other) noexcept {
    if (this == &other) return *this;
    if (is_valid()) Release();
    data_ = std::exchange(other.data_, nullptr);
    capacity_ = std::exchange(other.capacity_, 0);
    view_ = std::exchange(other.view_, absl::string_view());
    return *this;
  }

  absl::string_view view() const { return view_; }

  // Gives bytes of its own to an object that copies of the pointer share, and
  // which releases them when the last copy goes. view() points there still, as
  // long as one is left, and is_valid() is false. Null, and nothing changes, if
  // they are somebody else's.
  std::shared_ptr<const void> Share();

  // Of bytes of its own; null if there are none.
  char* data() const { return data_; }
  bool is_valid() const { return data_ != nullptr; }

 private:
  // What is valid.
  void Release();

  char* data_ = nullptr;
  size_t capacity_ = 0;
  absl::string_view view_;
};

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_PACKED_BYTES_H_
