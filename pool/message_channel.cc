#include "multiproc/pool/message_channel.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace multiproc {
namespace {

constexpr size_t kReadSize = 65536;
// As much as is asked for at once of a great frame: the buffer grows with what
// has come.
constexpr size_t kLargestReadSize = size_t{1} << 20;
constexpr size_t kKeptCapacity = size_t{1} << 20;

}  // namespace

absl::Status MessageChannel::CheckSize(size_t size) const {
  if (size <= max_frame_bytes_) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("a message of ", size, " bytes, over the limit of ",
                   max_frame_bytes_, " (max_frame_bytes)"));
}

std::string& MessageChannel::Tail() {
  return attachments_.empty() ? unsent_ : attachments_.back().behind;
}

absl::Status MessageChannel::Send(
    FrameType type, const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  absl::Status status = CheckSize(size);
  if (!status.ok()) return status;
  if (SendByJournal(type, size, message)) return absl::OkStatus();
  std::string& tail = Tail();
  AppendFrameHeader(type, size, &tail);
  const size_t begin = tail.size();
  tail.resize(begin + size);
  message.SerializeWithCachedSizesToArray(
      reinterpret_cast<uint8_t*>(&tail[begin]));
  return absl::OkStatus();
}

// Only while nothing else is queued, which would come before it: a frame that
// found no room, or an attachment.
bool MessageChannel::SendByJournal(
    FrameType type, size_t size, const google::protobuf::MessageLite& message) {
  if (journal_ == nullptr || !unsent_.empty() || !attachments_.empty()) {
    return false;
  }
  char* const space = journal_->Space(kFrameHeaderSize + size);
  if (space == nullptr) return false;
  WriteFrameHeader(type, size, space);
  message.SerializeWithCachedSizesToArray(
      reinterpret_cast<uint8_t*>(space + kFrameHeaderSize));
  journal_->Commit(kFrameHeaderSize + size);
  return true;
}

absl::Status MessageChannel::SendAttachment(absl::Cord bytes) {
  const size_t size = bytes.size();
  absl::Status status = CheckSize(size);
  if (!status.ok()) return status;
  if (size > kReadSize) EnlargePipe(out_.get(), kLargestReadSize);
  AppendFrameHeader(FrameType::kAttachment, size, &Tail());
  attached_bytes_ += size;
  attachments_.push_back({std::move(bytes), size, ""});
  return absl::OkStatus();
}

absl::Status MessageChannel::Flush() {
  absl::Status status = FlushJournal();
  if (status.ok()) status = FlushQueue();
  if (!status.ok()) ForgetUnsent();
  if (attachments_.empty()) std::string().swap(gathered_);
  if (unsent_.capacity() > kKeptCapacity) unsent_.shrink_to_fit();
  return status;
}

absl::Status MessageChannel::FlushJournal() {
  while (journal_ != nullptr && !journal_->unwritten().empty()) {
    const absl::StatusOr<size_t> written =
        WriteSome(out_.get(), journal_->unwritten());
    if (!written.ok()) return written.status();
    journal_->Written(*written);
  }
  return absl::OkStatus();
}

absl::Status MessageChannel::FlushQueue() {
  while (sent_ < unsent_.size() || !attachments_.empty()) {
    const absl::StatusOr<bool> all =
        unsent_.empty() ? FlushAttachment() : FlushMessages();
    if (!all.ok()) return all.status();
    if (!*all) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> MessageChannel::WriteOnce(absl::string_view bytes) {
  const absl::StatusOr<size_t> written =
      quiet_ ? WriteSomeQuietly(out_.get(), bytes)
             : WriteSome(out_.get(), bytes);
  if (absl::IsUnavailable(written.status())) return 0;
  if (written.ok()) sent_bytes_ += *written;
  return written;
}

absl::StatusOr<bool> MessageChannel::FlushMessages() {
  while (sent_ < unsent_.size()) {
    const absl::StatusOr<size_t> written =
        WriteOnce(absl::string_view(unsent_).substr(sent_));
    if (!written.ok()) return written.status();
    sent_ += *written;
    if (*written == 0) {
      DropSent();
      return false;
    }
  }
  if (journal_ != nullptr) journal_->Skip(unsent_.size());
  unsent_.clear();
  sent_ = 0;
  return true;
}

absl::string_view MessageChannel::NextPiece(const absl::Cord& unsent) {
  const absl::string_view first = *unsent.chunk_begin();
  if (first.size() >= kReadSize || first.size() == unsent.size()) return first;
  gathered_.clear();
  for (const absl::string_view chunk : unsent.Chunks()) {
    const size_t room = kReadSize - gathered_.size();
    if (room == 0) break;
    gathered_.append(chunk.data(), std::min(chunk.size(), room));
  }
  return gathered_;
}

absl::StatusOr<bool> MessageChannel::FlushAttachment() {
  Attachment& first = attachments_.front();
  while (!first.unsent.empty()) {
    const absl::StatusOr<size_t> written = WriteOnce(NextPiece(first.unsent));
    if (!written.ok()) return written.status();
    if (*written == 0) return false;
    first.unsent.RemovePrefix(*written);
  }
  if (journal_ != nullptr) journal_->Skip(first.size);
  attached_bytes_ -= first.size;
  unsent_ = std::move(first.behind);
  attachments_.pop_front();
  return true;
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
  attachments_.clear();
  attached_bytes_ = 0;
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
      std::min(std::clamp(reader_.missing(), read_size_, kLargestReadSize),
               reader_.limit());
  char* const space = reader_.Space(wanted);
  const absl::StatusOr<size_t> size = ReadSome(in_.get(), space, wanted);
  if (absl::IsUnavailable(size.status())) return false;
  if (!size.ok()) return size.status();
  if (*size == 0) {
    return absl::OutOfRangeError(in_frame() ? "the stream ends within a frame"
                                            : "the stream has ended");
  }
  drained_ = *size < wanted;
  // A pool of many workers, with an answer each now and then, needs little.
  if (!drained_) read_size_ = std::min(4 * read_size_, kReadSize);
  size_t fresh = *size;
  if (known_bytes_ > 0) {
    const size_t known = std::min(known_bytes_, fresh);
    known_bytes_ -= known;
    fresh -= known;
    std::memmove(space, space + known, fresh);
  }
  reader_.Filled(fresh);
  received_bytes_ += fresh;
  return true;
}

bool MessageChannel::FillFrom(const AnswerJournal& journal) {
  // An attachment does not come by the journal, nor does what precedes one.
  if (reader_.limit() != ~size_t{0}) return false;
  std::string bytes;
  if (!journal.ReadFrom(received_bytes_, &bytes)) return false;
  std::memcpy(reader_.Space(bytes.size()), bytes.data(), bytes.size());
  reader_.Filled(bytes.size());
  received_bytes_ += bytes.size();
  known_bytes_ += bytes.size();
  return true;
}

}  // namespace multiproc
