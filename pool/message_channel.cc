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
  absl::Status status = FlushPieces();
  if (!status.ok()) ForgetUnsent();
  if (unsent_.capacity() > kKeptCapacity) unsent_.shrink_to_fit();
  return status;
}

absl::Status MessageChannel::FlushPieces() {
  while (has_unsent()) {
    const Pieces pieces = NextPieces();
    const absl::StatusOr<size_t> written =
        quiet_ ? WriteSomeQuietly(out_.get(), pieces)
               : WriteSome(out_.get(), pieces);
    if (absl::IsUnavailable(written.status())) {
      DropSent();
      return absl::OkStatus();
    }
    if (!written.ok()) return written.status();
    CountSent(*written);
  }
  return absl::OkStatus();
}

// Together, for whoever reads them would be woken by the first alone.
MessageChannel::Pieces MessageChannel::NextPieces() const {
  Pieces pieces;
  if (journal_ != nullptr && !journal_->unwritten().empty()) {
    pieces.push_back(journal_->unwritten());
  }
  if (sent_ < unsent_.size()) {
    pieces.push_back(absl::string_view(unsent_).substr(sent_));
  }
  if (attachments_.empty()) return pieces;
  // Together less than 2 GiB, which is all that some systems take.
  size_t room = size_t{1} << 30;
  for (const absl::string_view chunk : attachments_.front().unsent.Chunks()) {
    if (pieces.size() == kMostPieces || room == 0) break;
    pieces.push_back(chunk.substr(0, room));
    room -= pieces.back().size();
  }
  return pieces;
}

void MessageChannel::CountSent(size_t size) {
  if (journal_ != nullptr) {
    const size_t of_journal = std::min(size, journal_->unwritten().size());
    journal_->Written(of_journal);
    size -= of_journal;
  }
  if (size == 0) return;
  sent_bytes_ += size;
  const size_t of_messages = std::min(size, unsent_.size() - sent_);
  sent_ += of_messages;
  if (sent_ < unsent_.size()) return;
  size_t all = unsent_.size();
  if (attachments_.empty()) {
    unsent_.clear();
  } else {
    Attachment& first = attachments_.front();
    first.unsent.RemovePrefix(size - of_messages);
    if (!first.unsent.empty()) return;
    all += first.size;
    attached_bytes_ -= first.size;
    unsent_ = std::move(first.behind);
    attachments_.pop_front();
  }
  sent_ = 0;
  if (journal_ != nullptr) journal_->Skip(all);
}

// What was sent must go now and then, also from a queue that is never empty;
// but not at each write, which would move the rest of a great message each
// time.
void MessageChannel::DropSent() {
  // The journal counts what is there when all of it is sent.
  if (journal_ != nullptr || sent_ < unsent_.size() / 2) return;
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
