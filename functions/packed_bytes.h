// Packed arguments or results: bytes that belong to somebody else, or bytes of
// their own that are released with them.
//
//   PackedBytes small(view);                       // must outlive it
//   PackedBytes great(std::move(buffer), size);    // owned
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
  // `size` bytes that it takes charge of. (Not a std::string: that would write
  // to each of its bytes before anything is read into it.)
  PackedBytes(std::unique_ptr<char[]> buffer, size_t size)
      : buffer_(std::move(buffer)), view_(buffer_.get(), size) {}

  PackedBytes(PackedBytes&& other) noexcept
      : buffer_(std::move(other.buffer_)),
        view_(std::exchange(other.view_, absl::string_view())) {}
  PackedBytes& operator=(PackedBytes&& other) noexcept {
    buffer_ = std::move(other.buffer_);
    view_ = std::exchange(other.view_, absl::string_view());
    return *this;
  }

  absl::string_view view() const { return view_; }

 private:
  std::unique_ptr<char[]> buffer_;
  absl::string_view view_;
};

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_PACKED_BYTES_H_
