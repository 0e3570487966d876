// Cuts a stream of bytes, as it arrives, into frames.
//
//   FrameReader reader(kDefaultMaxFrameBytes);
//   char* space = reader.Space(65536);              // read into it
//   reader.Filled(bytes_read);
//   absl::StatusOr<std::optional<Frame>> frame = reader.Next();
//
// Safe on any bytes: a length is checked before anything is allocated for it,
// and the buffer grows with what has arrived, not with what was announced. (For
// an attachment address space is set aside at once; it takes memory as it
// comes.) Not thread-safe.

#ifndef MULTIPROC_POOL_FRAME_READER_H_
#define MULTIPROC_POOL_FRAME_READER_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/functions/packed_bytes.h"
#include "multiproc/pool/frame_format.h"

namespace multiproc {

// `payload` points into the reader, and is valid until its next Space() or
// Next(); that of an attachment until TakeAttachment().
struct Frame {
  FrameType type;
  absl::string_view payload;
};

class FrameReader {
 public:
  explicit FrameReader(size_t max_frame_bytes)
      : max_frame_bytes_(max_frame_bytes) {}

  // Room for `size` bytes, at most limit(); invalidates payloads. Filled() says
  // how many of them were used.
  char* Space(size_t size);
  // All but the rest of an attachment, which goes to its own memory, has room
  // without end.
  size_t limit() const { return filling_attachment() ? missing_ : ~size_t{0}; }
  void Filled(size_t size);

  // The next frame, or nullopt until more bytes have come. DATA_LOSS, quoting
  // the first bytes, for what is no frame; RESOURCE_EXHAUSTED for one over the
  // limit. After an error the stream is lost, and every call gives it again.
  absl::StatusOr<std::optional<Frame>> Next();

  // The payload of the attachment that Next has just returned.
  PackedBytes TakeAttachment();

  // Whether the bytes so far end in the middle of a frame.
  bool in_frame() const { return begin_ != end_ || filling_attachment(); }

  // How many bytes the frame that has begun still lacks; 0 if unknown.
  size_t missing() const { return missing_; }

 private:
  absl::Status CheckHeader(absl::string_view header) const;
  // Sets memory aside for an attachment of `length` bytes, and moves what of it
  // is in the buffer there.
  absl::Status BeginAttachment(size_t length);
  bool filling_attachment() const {
    return attachment_.is_valid() && missing_ > 0;
  }
  // Frees what great frames took, if nothing is left of them.
  void ForgetRead();

  const size_t max_frame_bytes_;
  std::string buffer_;
  size_t begin_ = 0;  // Of what Next has not returned yet, in buffer_.
  size_t end_ = 0;    // Of what was filled.
  size_t missing_ = 0;
  absl::Status error_;

  // An attachment, from its header until it is taken, or the next frame is
  // asked for. While it is not complete, all that comes belongs to it.
  PackedBytes attachment_;
  bool attachment_returned_ = false;
};

// The eight bytes before a payload of `length` bytes.
void WriteFrameHeader(FrameType type, size_t length, char* out);
void AppendFrameHeader(FrameType type, size_t length, std::string* out);
std::string MakeFrameHeader(FrameType type, size_t length);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_FRAME_READER_H_
