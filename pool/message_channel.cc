#include "multiproc/pool/message_channel.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace multiproc {
namespace {

constexpr size_t kReadSize = 65536;
// As much as is asked for at once of a great frame: the buffer grows with what
// has come.
constexpr size_t kLargestReadSize = size_t{1} << 20;
constexpr size_t kKeptCapacity = size_t{1} << 20;

}  // namespace

absl::Status MessageChannel::Send(
    FrameType type, const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  if (size > max_frame_bytes_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a message of ", size, " bytes, over the limit of ",
                     max_frame_bytes_, " (max_frame_bytes)"));
  }
  unsent_ += MakeFrameHeader(type, size);
  message.AppendPartialToString(&unsent_);
  return absl::OkStatus();
}

absl::Status MessageChannel::Flush() {
  while (has_unsent()) {
    const absl::StatusOr<size_t> written =
        WriteSome(out_.get(), absl::string_view(unsent_).substr(sent_));
    if (absl::IsUnavailable(written.status())) {
      DropSent();
      return absl::OkStatus();
    }
    if (!written.ok()) {
      ForgetUnsent();
      return written.status();
    }
    sent_ += *written;
  }
  ForgetUnsent();
  return absl::OkStatus();
}

// What was sent must go now and then, also from a queue that is never empty;
// but not at each write, which would move the rest of a great message each
// time.
void MessageChannel::DropSent() {
  if (sent_ < unsent_.size() / 2) return;
  unsent_.erase(0, sent_);
  sent_ = 0;
}

void MessageChannel::ForgetUnsent() {
  sent_ = 0;
  unsent_.clear();
  if (unsent_.capacity() > kKeptCapacity) unsent_.shrink_to_fit();
}

void MessageChannel::CloseSend() {
  ForgetUnsent();
  out_.reset();
}

absl::StatusOr<std::optional<Frame>> MessageChannel::Receive() {
  while (true) {
    absl::StatusOr<std::optional<Frame>> frame = Next();
    if (!frame.ok() || frame->has_value()) return frame;
    const absl::StatusOr<bool> filled = Fill();
    if (!filled.ok()) return filled.status();
    if (!*filled) return std::nullopt;
  }
}

absl::StatusOr<bool> MessageChannel::Fill() {
  const size_t wanted =
      std::clamp(reader_.missing(), kReadSize, kLargestReadSize);
  const absl::StatusOr<size_t> size =
      ReadSome(in_.get(), reader_.Space(wanted), wanted);
  if (absl::IsUnavailable(size.status())) return false;
  if (!size.ok()) return size.status();
  if (*size == 0) {
    return absl::OutOfRangeError(in_frame() ? "the stream ends within a frame"
                                            : "the stream has ended");
  }
  reader_.Filled(*size);
  received_bytes_ += *size;
  return true;
}

}  // namespace multiproc
