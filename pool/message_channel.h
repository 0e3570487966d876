// Messages in frames, over two pipes: the parent's end of a worker's channel,
// and the worker's.
//
//   MessageChannel channel(std::move(in), std::move(out), max_frame_bytes);
//   absl::Status status = channel.Send(FrameType::kTaskRequest, request);
//   status = channel.Flush();
//   absl::StatusOr<std::optional<Frame>> frame = channel.Receive();
//
// On blocking handles (the worker's) Flush writes everything, and Receive
// waits; on non-blocking ones (the parent's) both do what can be done at once,
// and the rest waits in the channel's own queue.
//
// Not thread-safe. Writing to a channel whose reader is gone raises SIGPIPE,
// unless the thread blocks it or the channel is quiet.

#ifndef MULTIPROC_POOL_MESSAGE_CHANNEL_H_
#define MULTIPROC_POOL_MESSAGE_CHANNEL_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/pool/answer_journal.h"
#include "multiproc/pool/frame_reader.h"

namespace multiproc {

class MessageChannel {
 public:
  MessageChannel(ScopedFileHandle in, ScopedFileHandle out,
                 size_t max_frame_bytes)
      : in_(std::move(in)),
        out_(std::move(out)),
        max_frame_bytes_(max_frame_bytes),
        reader_(max_frame_bytes) {}

  // Lets what is queued be in `journal`, which must outlive the channel, as far
  // as there is room: for the worker's side, before the first Send.
  void set_journal(AnswerJournal* journal) { journal_ = journal; }

  // Lets Flush raise no SIGPIPE, on whatever thread: for the parent's side.
  void set_quiet() { quiet_ = true; }

  // Queues `message`. RESOURCE_EXHAUSTED, with nothing queued, if it is longer
  // than the limit.
  absl::Status Send(FrameType type,
                    const google::protobuf::MessageLite& message);

  // RESOURCE_EXHAUSTED if a payload of `size` bytes is longer than the limit.
  absl::Status CheckSize(size_t size) const;

  // Queues an attachment behind the message that announces it: no copy of what
  // is great, which is kept until it is sent. Errors as of Send.
  absl::Status SendAttachment(absl::Cord bytes);

  // Writes what is queued, as far as it goes. ABORTED if nobody reads any more;
  // after an error nothing is queued.
  absl::Status Flush();

  // Whether Flush has left something.
  bool has_unsent() const {
    return sent_ < unsent_.size() || !attachments_.empty() ||
           (journal_ != nullptr && !journal_->unwritten().empty());
  }

  // How many bytes the queue takes: what is unsent, and at most as much again
  // that was sent.
  size_t queue_size() const { return unsent_.size() + attached_bytes_; }

  // The next frame, valid until the next call; nullopt if a non-blocking
  // channel has none yet. OUT_OF_RANGE at the end of the stream, and the
  // message says whether that is within a frame; else as FrameReader::Next.
  absl::StatusOr<std::optional<Frame>> Receive();

  // The two halves of Receive, for whoever must not read without end: Next
  // gives a frame of those that were read, or nullopt. Fill reads once, and
  // returns whether there was anything; errors as of Receive.
  absl::StatusOr<std::optional<Frame>> Next() { return reader_.Next(); }
  // The payload of the attachment that was received last.
  PackedBytes TakeAttachment() { return reader_.TakeAttachment(); }
  absl::StatusOr<bool> Fill();
  // Whether the last Fill got all that had come: less than it asked for.
  bool drained() const { return drained_; }

  // The same, from the journal of the other side instead of its pipe: whether
  // it held something that has not come. What the pipe brings of it later is
  // dropped.
  bool FillFrom(const AnswerJournal& journal);

  // How much that is.
  size_t known_bytes() const { return known_bytes_; }

  // Whether what was read ends within a frame.
  bool in_frame() const { return reader_.in_frame(); }

  // How many bytes were received; and how many the queue has sent, which does
  // not count the journal's.
  size_t received_bytes() const { return received_bytes_; }
  size_t sent_bytes() const { return sent_bytes_; }

  // Closes the outgoing pipe, and forgets what is queued: the other side finds
  // the end of the stream.
  void CloseSend();

  FileHandle in() const { return in_.get(); }
  FileHandle out() const { return out_.get(); }

 private:
  // An attachment in the queue, and the messages behind it.
  struct Attachment {
    absl::Cord unsent;
    size_t size;
    std::string behind;
  };

  // Where the next message is queued, if not in the journal.
  std::string& Tail();
  // Queues it in the journal; false if there is no room.
  bool SendByJournal(FrameType type, size_t size,
                     const google::protobuf::MessageLite& message);
  absl::Status FlushPieces();
  // What is written next; and takes note of how much of it was.
  static constexpr size_t kMostPieces = 64;
  using Pieces = absl::InlinedVector<absl::string_view, kMostPieces>;
  Pieces NextPieces() const;
  void CountSent(size_t size);
  void DropSent();
  void ForgetUnsent();

  ScopedFileHandle in_;
  ScopedFileHandle out_;
  const size_t max_frame_bytes_;
  FrameReader reader_;
  size_t received_bytes_ = 0;
  // Of these, how many the pipe will bring once more.
  size_t known_bytes_ = 0;
  bool drained_ = false;
  // As much is asked for at a time, and more where that is not enough.
  size_t read_size_ = 4096;
  AnswerJournal* journal_ = nullptr;
  bool quiet_ = false;
  // In the order in which they are sent: messages, attachments.
  std::string unsent_;
  std::deque<Attachment> attachments_;
  size_t attached_bytes_ = 0;  // Of all of these.
  size_t sent_bytes_ = 0;
  // Of unsent_, which stays until the attachment behind it is sent.
  size_t sent_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_MESSAGE_CHANNEL_H_
