// Cuts a stream of bytes, as it arrives, into frames.
//
//   FrameReader reader(kDefaultMaxFrameBytes);
//   char* space = reader.Space(65536);              // read into it
//   reader.Filled(bytes_read);
//   absl::StatusOr<std::optional<Frame>> frame = reader.Next();
//
// Safe on any bytes: a length is checked before anything is allocated for it,
// and the buffer grows with what has arrived, not with what was announced.
// Not thread-safe.

#ifndef MULTIPROC_POOL_FRAME_READER_H_
#define MULTIPROC_POOL_FRAME_READER_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/pool/frame_format.h"

namespace multiproc {

// `payload` points into the reader, and is valid until its next Space() or
// Next().
struct Frame {
  FrameType type;
  absl::string_view payload;
};

class FrameReader {
 public:
  explicit FrameReader(size_t max_frame_bytes)
      : max_frame_bytes_(max_frame_bytes) {}

  // Room for `size` bytes; invalidates payloads. Filled() says how many of them
  // were used.
  char* Space(size_t size);
  void Filled(size_t size) { end_ += size; }

  // The next frame, or nullopt until more bytes have come. DATA_LOSS, quoting
  // the first bytes, for what is no frame; RESOURCE_EXHAUSTED for one over the
  // limit. After an error the stream is lost, and every call gives it again.
  absl::StatusOr<std::optional<Frame>> Next();

  // Whether the bytes so far end in the middle of a frame.
  bool in_frame() const { return begin_ != end_; }

  // How many bytes the frame that has begun still lacks; 0 if unknown.
  size_t missing() const { return missing_; }

 private:
  absl::Status CheckHeader(absl::string_view header) const;
  // Frees what great frames took, if nothing is left of them.
  void ForgetRead();

  const size_t max_frame_bytes_;
  std::string buffer_;
  size_t begin_ = 0;  // Of what Next has not returned yet, in buffer_.
  size_t end_ = 0;    // Of what was filled.
  size_t missing_ = 0;
  absl::Status error_;
};

// The eight bytes before a payload of `length` bytes.
std::string MakeFrameHeader(FrameType type, size_t length);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_FRAME_READER_H_
