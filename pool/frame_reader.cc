#include "multiproc/pool/frame_reader.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace multiproc {
namespace {

// An idle reader gives back what one great frame made it take.
constexpr size_t kKeptCapacity = size_t{1} << 20;
constexpr size_t kQuotedBytes = 32;

uint8_t ByteAt(absl::string_view bytes, size_t i) {
  return static_cast<uint8_t>(bytes[i]);
}

size_t LengthOf(absl::string_view header) {
  size_t length = 0;
  for (size_t i = 8; i-- > 4;) length = length << 8 | ByteAt(header, i);
  return length;
}

bool IsKnownType(uint8_t type) {
  return type >= static_cast<uint8_t>(FrameType::kWorkerHello) &&
         type <= static_cast<uint8_t>(FrameType::kTaskProgress);
}

}  // namespace

void FrameReader::ForgetRead() {
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  if (buffer_.capacity() > kKeptCapacity) std::string().swap(buffer_);
}

char* FrameReader::Space(size_t size) {
  if (filling_attachment()) {
    return attachment_.data() + attachment_.view().size() - missing_;
  }
  ForgetRead();
  if (begin_ > 0 && end_ + size > buffer_.size()) {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + size > buffer_.size()) {
    buffer_.resize(std::max(end_ + size, buffer_.size() * 3 / 2));
  }
  return &buffer_[end_];
}

void FrameReader::Filled(size_t size) {
  if (filling_attachment()) {
    missing_ -= size;
  } else {
    end_ += size;
  }
}

absl::Status FrameReader::CheckHeader(absl::string_view header) const {
  // As many bytes as there are: garbage need not be eight bytes long.
  for (size_t i = 0; i < std::min<size_t>(header.size(), 2); ++i) {
    if (ByteAt(header, i) != kFrameMagic[i]) {
      return absl::DataLossError(
          absl::StrCat("no frame begins with \"",
                       absl::CHexEscape(header.substr(0, kQuotedBytes)),
                       "\": something else wrote to the channel"));
    }
  }
  if (header.size() < kFrameHeaderSize) return absl::OkStatus();
  if (ByteAt(header, 2) != kFrameVersion) {
    return absl::DataLossError(absl::StrCat(
        "a frame of version ", ByteAt(header, 2), ", and this is version ",
        kFrameVersion, ": build both programs from the same source"));
  }
  if (!IsKnownType(ByteAt(header, 3))) {
    return absl::DataLossError(
        absl::StrCat("a frame of unknown type ", ByteAt(header, 3)));
  }
  if (LengthOf(header) > max_frame_bytes_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a frame of ", LengthOf(header), " bytes, over the limit of ",
        max_frame_bytes_, " (max_frame_bytes)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Frame>> FrameReader::Next() {
  if (!error_.ok()) return error_;
  if (filling_attachment()) return std::nullopt;
  if (attachment_.is_valid()) {
    if (!std::exchange(attachment_returned_, true)) {
      return Frame{FrameType::kAttachment, attachment_.view()};
    }
    attachment_ = PackedBytes();
  }
  ForgetRead();
  const absl::string_view rest(buffer_.data() + begin_, end_ - begin_);
  error_ = CheckHeader(rest);
  if (!error_.ok()) return error_;
  missing_ = 0;
  if (rest.size() < kFrameHeaderSize) return std::nullopt;
  const size_t length = LengthOf(rest);
  if (ByteAt(rest, 3) == static_cast<uint8_t>(FrameType::kAttachment)) {
    error_ = BeginAttachment(length);
    return Next();
  }
  if (rest.size() < kFrameHeaderSize + length) {
    missing_ = kFrameHeaderSize + length - rest.size();
    return std::nullopt;
  }
  begin_ += kFrameHeaderSize + length;
  return Frame{static_cast<FrameType>(ByteAt(rest, 3)),
               rest.substr(kFrameHeaderSize, length)};
}

absl::Status FrameReader::BeginAttachment(size_t length) {
  attachment_ = PackedBytes::Allocate(length);
  if (!attachment_.is_valid()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for an attachment of ", length, " bytes"));
  }
  attachment_returned_ = false;
  begin_ += kFrameHeaderSize;
  const size_t there = std::min(length, end_ - begin_);
  std::copy_n(buffer_.data() + begin_, there, attachment_.data());
  begin_ += there;
  missing_ = length - there;
  return absl::OkStatus();
}

PackedBytes FrameReader::TakeAttachment() { return std::move(attachment_); }

void WriteFrameHeader(FrameType type, size_t length, char* out) {
  out[0] = static_cast<char>(kFrameMagic[0]);
  out[1] = static_cast<char>(kFrameMagic[1]);
  out[2] = static_cast<char>(kFrameVersion);
  out[3] = static_cast<char>(type);
  for (size_t i = 4; i < kFrameHeaderSize; ++i, length >>= 8) {
    out[i] = static_cast<char>(length & 0xff);
  }
}

void AppendFrameHeader(FrameType type, size_t length, std::string* out) {
  char header[kFrameHeaderSize];
  WriteFrameHeader(type, length, header);
  out->append(header, kFrameHeaderSize);
}

std::string MakeFrameHeader(FrameType type, size_t length) {
  std::string header;
  AppendFrameHeader(type, length, &header);
  return header;
}

}  // namespace multiproc
