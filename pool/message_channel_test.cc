#include "multiproc/pool/message_channel.h"

#ifndef _WIN32
#include <signal.h>
#endif

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/pool/frame_reader.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TaskResponse Response(uint64_t id, std::string result = "") {
  TaskResponse response;
  response.set_task_id(id);
  response.set_result(std::move(result));
  return response;
}

// Whether a side waits, as a worker does, or not, as the parent.
enum class Side { kBlocking, kNonBlocking };

// Both ends of a channel in one process.
class MessageChannelTest : public ::testing::Test {
 protected:
  void SetUp() override { Connect(kDefaultMaxFrameBytes); }

  void Connect(size_t max_frame_bytes, Side left = Side::kBlocking,
               Side right = Side::kBlocking) {
    absl::StatusOr<Pipe> to_right = MakePipe(right, left);
    absl::StatusOr<Pipe> to_left = MakePipe(left, right);
    ASSERT_TRUE(to_right.ok() && to_left.ok());
    left_.emplace(std::move(to_left->read_end), std::move(to_right->write_end),
                  max_frame_bytes);
    right_.emplace(std::move(to_right->read_end), std::move(to_left->write_end),
                   max_frame_bytes);
  }

  static absl::StatusOr<Pipe> MakePipe(Side reader, Side writer) {
    const bool read = reader == Side::kNonBlocking;
    const bool write = writer == Side::kNonBlocking;
    return Pipe::Create(read && write ? Pipe::NonBlocking::kBoth
                        : read        ? Pipe::NonBlocking::kReadEnd
                        : write       ? Pipe::NonBlocking::kWriteEnd
                                      : Pipe::NonBlocking::kNeither);
  }

  // Puts bytes on the way to `right_`, past the channel.
  void WriteRaw(absl::string_view bytes) {
    ASSERT_TRUE(WriteAll(left_->out(), bytes).ok());
  }

  std::optional<MessageChannel> left_;
  std::optional<MessageChannel> right_;
};

// The next message, which must be there.
TaskResponse Received(MessageChannel* channel) {
  const absl::StatusOr<std::optional<Frame>> frame = channel->Receive();
  EXPECT_TRUE(frame.ok()) << frame.status();
  TaskResponse response;
  if (!frame.ok() || !frame->has_value()) {
    ADD_FAILURE() << "no frame";
    return response;
  }
  EXPECT_EQ((*frame)->type, FrameType::kTaskResponse);
  EXPECT_TRUE(response.ParseFromString(std::string((*frame)->payload)));
  return response;
}

#ifdef _WIN32
// There is no SIGPIPE.
struct SigpipeBlocked {
  ~SigpipeBlocked() {}
};
#else
// Keeps SIGPIPE from this thread, and takes one back that has come.
class SigpipeBlocked {
 public:
  SigpipeBlocked() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &old_mask_);
  }
  ~SigpipeBlocked() {
    sigset_t pending;
    sigpending(&pending);
    int signal = 0;
    if (sigismember(&pending, SIGPIPE) == 1) sigwait(&sigpipe_, &signal);
    pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }

 private:
  sigset_t sigpipe_;
  sigset_t old_mask_;
};
#endif

// As with a worker that always has a request waiting: the queue is never empty,
// and must not keep what it has sent.
TEST_F(MessageChannelTest, AQueueThatIsNeverEmptyDoesNotGrow) {
  Connect(kDefaultMaxFrameBytes, Side::kNonBlocking, Side::kNonBlocking);
  const std::string text(100000, 'x');
  uint64_t received = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(i, text)).ok());
    ASSERT_TRUE(left_->Flush().ok());
    while (received + 3 < i) {
      const absl::StatusOr<std::optional<Frame>> frame = right_->Receive();
      ASSERT_TRUE(frame.ok()) << frame.status();
      received += frame->has_value() ? 1 : 0;
      ASSERT_TRUE(left_->Flush().ok());
    }
    ASSERT_TRUE(i <= 3 || left_->has_unsent());
    ASSERT_LE(left_->queue_size(), 10 * text.size());
  }
}

// The payload of the next frame, which must be there; at once, unless a side
// that waits receives it.
std::string ReceivedPayload(MessageChannel* channel, FrameType type) {
  const absl::StatusOr<std::optional<Frame>> frame = channel->Receive();
  EXPECT_TRUE(frame.ok() && frame->has_value()) << frame.status();
  if (!frame.ok() || !frame->has_value()) return "";
  EXPECT_EQ((*frame)->type, type);
  return std::string((*frame)->payload);
}

// Of `text`, in chunks of 1,000 bytes; `*released` is counted for each.
absl::Cord CordOf(const std::string& text, int* released) {
  absl::Cord cord;
  for (size_t i = 0; i < text.size(); i += 1000) {
    cord.Append(absl::MakeCordFromExternal(
        absl::string_view(text).substr(i, 1000), [released] { ++*released; }));
  }
  return cord;
}

TEST_F(MessageChannelTest, AttachmentsComeWhereTheyWereSent) {
  const std::string great(5000, 'g');
  int released = 0;
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1)).ok());
  ASSERT_TRUE(left_->SendAttachment(CordOf(great, &released)).ok());
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(2)).ok());
  ASSERT_TRUE(left_->SendAttachment(absl::Cord()).ok());
  EXPECT_GE(left_->queue_size(), great.size());
  EXPECT_EQ(released, 0) << "it is kept until it is sent";
  ASSERT_TRUE(left_->Flush().ok());
  EXPECT_FALSE(left_->has_unsent());
  EXPECT_EQ(left_->queue_size(), 0);
  EXPECT_EQ(released, 5);
  EXPECT_EQ(Received(&*right_).task_id(), 1);
  EXPECT_EQ(ReceivedPayload(&*right_, FrameType::kAttachment), great);
  EXPECT_EQ(Received(&*right_).task_id(), 2);
  EXPECT_EQ(ReceivedPayload(&*right_, FrameType::kAttachment), "");
}

// More chunks than are written at a time, and more bytes than the pipe takes:
// writes end anywhere.
TEST_F(MessageChannelTest, AttachmentsOfManyChunksComeInParts) {
  Connect(kDefaultMaxFrameBytes, Side::kNonBlocking, Side::kNonBlocking);
  std::string text;
  for (int i = 0; i < 3'000'000; ++i) text += static_cast<char>('a' + i % 26);
  int released = 0;
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1)).ok());
  ASSERT_TRUE(left_->SendAttachment(CordOf(text, &released)).ok());
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(2)).ok());
  ASSERT_TRUE(left_->Flush().ok());
  EXPECT_TRUE(left_->has_unsent()) << "the pipe has taken all of it";
  std::vector<std::string> payloads;
  while (payloads.size() < 3) {
    ASSERT_TRUE(left_->Flush().ok());
    const absl::StatusOr<std::optional<Frame>> frame = right_->Receive();
    ASSERT_TRUE(frame.ok()) << frame.status();
    if (frame->has_value()) payloads.emplace_back((*frame)->payload);
  }
  EXPECT_TRUE(payloads[1] == text);
  EXPECT_EQ(payloads[2], Response(2).SerializeAsString());
  EXPECT_EQ(released, 3000);
  EXPECT_FALSE(left_->has_unsent());
  EXPECT_EQ(left_->queue_size(), 0);
  EXPECT_EQ(left_->sent_bytes(), right_->received_bytes());
}

TEST_F(MessageChannelTest, AnAttachmentOverTheLimitIsNotQueued) {
  Connect(1000);
  EXPECT_TRUE(absl::IsResourceExhausted(
      left_->SendAttachment(absl::Cord(std::string(1001, 'g')))));
  EXPECT_FALSE(left_->has_unsent());
}

// A worker's side with its journal, and the parent's.
class JournaledChannelTest : public MessageChannelTest {
 protected:
  void SetUp() override {
    Connect(kDefaultMaxFrameBytes, Side::kBlocking, Side::kNonBlocking);
    left_->set_journal(&journal_);
  }

  void Send(uint64_t id) {
    ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(id)).ok());
  }

  std::optional<uint64_t> NextId() {
    const absl::StatusOr<std::optional<Frame>> frame = right_->Next();
    EXPECT_TRUE(frame.ok()) << frame.status();
    TaskResponse response;
    if (!frame.ok() || !frame->has_value() ||
        !response.ParseFromString(std::string((*frame)->payload))) {
      return std::nullopt;
    }
    return response.task_id();
  }

  const std::unique_ptr<WorkerMemory> memory_ =
      std::make_unique<WorkerMemory>();
  AnswerJournal journal_{memory_.get()};
  const AnswerJournal parents_{memory_.get()};
};

TEST_F(JournaledChannelTest, WhatIsNotWrittenIsInTheJournal) {
  Send(1);
  Send(2);
  EXPECT_FALSE(right_->Receive()->has_value());
  ASSERT_TRUE(right_->FillFrom(parents_));
  EXPECT_EQ(NextId(), 1);
  EXPECT_EQ(NextId(), 2);
  EXPECT_FALSE(right_->FillFrom(parents_)) << "nothing more has come";
}

// Wherever the writes end that a pipe with no room cuts short.
TEST_F(JournaledChannelTest, GoesOnBehindAttachmentsThatWentInParts) {
  Connect(kDefaultMaxFrameBytes, Side::kNonBlocking, Side::kNonBlocking);
  left_->set_journal(&journal_);
  const std::string great(3'000'000, 'g');
  int released = 0;
  for (uint64_t id = 1; id <= 5; id += 2) {
    Send(id);
    ASSERT_TRUE(left_->SendAttachment(CordOf(great, &released)).ok());
    Send(id + 1);
  }
  ASSERT_TRUE(left_->Flush().ok());
  EXPECT_TRUE(left_->has_unsent()) << "the pipe has taken all of it";
  for (uint64_t id = 1; id <= 6;) {
    ASSERT_TRUE(left_->Flush().ok());
    const absl::StatusOr<std::optional<Frame>> frame = right_->Receive();
    ASSERT_TRUE(frame.ok()) << frame.status();
    if (!frame->has_value()) continue;
    if ((*frame)->type == FrameType::kAttachment) {
      EXPECT_TRUE((*frame)->payload == great);
      continue;
    }
    TaskResponse response;
    EXPECT_TRUE(response.ParseFromString(std::string((*frame)->payload)));
    EXPECT_EQ(response.task_id(), id++);
  }
  EXPECT_FALSE(left_->has_unsent());
  // Both sides have counted the same.
  Send(7);
  EXPECT_FALSE(right_->Receive()->has_value());
  ASSERT_TRUE(right_->FillFrom(parents_));
  EXPECT_EQ(NextId(), 7);
}

TEST_F(JournaledChannelTest, WhatThePipeBringsAgainIsDropped) {
  Send(1);
  ASSERT_TRUE(right_->FillFrom(parents_));
  Send(2);
  ASSERT_TRUE(left_->Flush().ok());
  Send(3);
  EXPECT_EQ(NextId(), 1);
  ASSERT_TRUE(*right_->Fill());
  EXPECT_EQ(NextId(), 2);
  EXPECT_EQ(NextId(), std::nullopt);
  ASSERT_TRUE(right_->FillFrom(parents_));
  EXPECT_EQ(NextId(), 3);
}

// As if the worker was killed in the middle of a write.
TEST_F(JournaledChannelTest, TheJournalGoesOnWithinAFrame) {
  Send(1);
  Send(2);
  const absl::string_view unwritten = journal_.unwritten();
  for (size_t cut = 0; cut < unwritten.size(); ++cut) {
    Connect(kDefaultMaxFrameBytes, Side::kBlocking, Side::kNonBlocking);
    WriteRaw(unwritten.substr(0, cut));
    if (cut > 0) {
      ASSERT_TRUE(*right_->Fill());
    }
    ASSERT_TRUE(right_->FillFrom(parents_));
    EXPECT_EQ(NextId(), 1);
    EXPECT_EQ(NextId(), 2);
    EXPECT_FALSE(right_->in_frame());
  }
}

TEST_F(JournaledChannelTest, AttachmentsPassItByInOrder) {
  const std::string great(5000, 'g');
  Send(1);
  ASSERT_TRUE(left_->SendAttachment(absl::Cord(great)).ok());
  Send(2);
  ASSERT_TRUE(left_->Flush().ok());
  Send(3);
  EXPECT_EQ(Received(&*right_).task_id(), 1);
  EXPECT_EQ(ReceivedPayload(&*right_, FrameType::kAttachment), great);
  EXPECT_EQ(Received(&*right_).task_id(), 2);
  ASSERT_TRUE(right_->FillFrom(parents_));
  EXPECT_EQ(NextId(), 3);
}

TEST_F(MessageChannelTest, BlockingSidesExchangeMessages) {
  ASSERT_TRUE(
      left_->Send(FrameType::kTaskResponse, Response(1, "to right")).ok());
  ASSERT_TRUE(left_->Flush().ok());
  EXPECT_EQ(Received(&*right_).result(), "to right");

  ASSERT_TRUE(
      right_->Send(FrameType::kTaskResponse, Response(2, "to left")).ok());
  ASSERT_TRUE(right_->Flush().ok());
  const TaskResponse response = Received(&*left_);
  EXPECT_EQ(response.task_id(), 2u);
  EXPECT_EQ(response.result(), "to left");
}

TEST_F(MessageChannelTest, SendOnlyQueues) {
  Connect(kDefaultMaxFrameBytes, Side::kBlocking, Side::kNonBlocking);
  EXPECT_FALSE(left_->has_unsent());
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1)).ok());
  EXPECT_TRUE(left_->has_unsent());
  EXPECT_FALSE(right_->Receive()->has_value());
  ASSERT_TRUE(left_->Flush().ok());
  EXPECT_FALSE(left_->has_unsent());
  EXPECT_EQ(Received(&*right_).task_id(), 1u);
}

TEST_F(MessageChannelTest, MessagesKeepTheirOrder) {
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(i)).ok());
  }
  ASSERT_TRUE(left_->Flush().ok());
  for (uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(Received(&*right_).task_id(), i);
  }
}

TEST_F(MessageChannelTest, EmptyMessageArrives) {
  ASSERT_TRUE(left_->Send(FrameType::kWorkerHello, WorkerHello()).ok());
  ASSERT_TRUE(left_->Flush().ok());
  const absl::StatusOr<std::optional<Frame>> frame = right_->Receive();
  ASSERT_TRUE(frame.ok()) << frame.status();
  ASSERT_TRUE(frame->has_value());
  EXPECT_EQ((*frame)->type, FrameType::kWorkerHello);
  EXPECT_EQ((*frame)->payload, "");
  EXPECT_EQ(right_->received_bytes(), kFrameHeaderSize);
}

TEST_F(MessageChannelTest, NonBlockingReceiveHasNothingYet) {
  Connect(kDefaultMaxFrameBytes, Side::kBlocking, Side::kNonBlocking);
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<std::optional<Frame>> frame = right_->Receive();
    ASSERT_TRUE(frame.ok()) << frame.status();
    EXPECT_FALSE(frame->has_value());
  }
  EXPECT_EQ(right_->received_bytes(), 0u);
}

TEST_F(MessageChannelTest, NonBlockingReceiveJoinsPartsOfAFrame) {
  Connect(kDefaultMaxFrameBytes, Side::kBlocking, Side::kNonBlocking);
  const std::string payload = Response(5, "abc").SerializeAsString();
  const std::string frame =
      MakeFrameHeader(FrameType::kTaskResponse, payload.size()) + payload;
  for (size_t i = 0; i + 1 < frame.size(); ++i) {
    WriteRaw(absl::string_view(frame).substr(i, 1));
    ASSERT_FALSE(right_->Receive()->has_value());
    EXPECT_EQ(right_->received_bytes(), i + 1);
  }
  WriteRaw(absl::string_view(frame).substr(frame.size() - 1));
  EXPECT_EQ(Received(&*right_).result(), "abc");
}

// 8 MiB each way through pipes of some 64 KiB, which neither side can write at
// once.
TEST_F(MessageChannelTest, GreatMessagesCrossInParts) {
  Connect(kDefaultMaxFrameBytes, Side::kNonBlocking, Side::kNonBlocking);
  const std::string to_right(size_t{8} << 20, 'r');
  const std::string to_left(size_t{8} << 20, 'l');
  ASSERT_TRUE(
      left_->Send(FrameType::kTaskResponse, Response(1, to_right)).ok());
  ASSERT_TRUE(
      right_->Send(FrameType::kTaskResponse, Response(2, to_left)).ok());

  std::optional<std::string> at_left;
  std::optional<std::string> at_right;
  const auto step = [](MessageChannel* channel,
                       std::optional<std::string>* received) {
    ASSERT_TRUE(channel->Flush().ok());
    const absl::StatusOr<std::optional<Frame>> frame = channel->Receive();
    ASSERT_TRUE(frame.ok()) << frame.status();
    if (!frame->has_value()) return;
    ASSERT_FALSE(received->has_value()) << "a second frame";
    TaskResponse response;
    ASSERT_TRUE(response.ParseFromString(std::string((*frame)->payload)));
    *received = response.result();
  };
  int steps = 0;
  while (!at_left.has_value() || !at_right.has_value()) {
    ASSERT_NO_FATAL_FAILURE(step(&*left_, &at_left));
    ASSERT_NO_FATAL_FAILURE(step(&*right_, &at_right));
    ASSERT_LT(++steps, 100000) << "nothing moves";
  }
  // Not EXPECT_EQ: nobody wants to read the difference.
  EXPECT_TRUE(*at_left == to_left);
  EXPECT_TRUE(*at_right == to_right);
  EXPECT_GT(steps, 1) << "it was sent at once, and no part was tested";
  EXPECT_FALSE(left_->has_unsent());
  EXPECT_FALSE(right_->has_unsent());
  EXPECT_EQ(right_->received_bytes(),
            kFrameHeaderSize + Response(1, to_right).ByteSizeLong());
}

TEST_F(MessageChannelTest, MessageQueuedBehindAPartArrivesBehindIt) {
  Connect(kDefaultMaxFrameBytes, Side::kNonBlocking, Side::kNonBlocking);
  const std::string great(size_t{1} << 20, 'x');
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1, great)).ok());
  ASSERT_TRUE(left_->Flush().ok());
  ASSERT_TRUE(left_->has_unsent()) << "the pipe took all of it";
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(2)).ok());
  for (uint64_t next = 1; next <= 2;) {
    ASSERT_TRUE(left_->Flush().ok());
    const absl::StatusOr<std::optional<Frame>> frame = right_->Receive();
    ASSERT_TRUE(frame.ok()) << frame.status();
    if (!frame->has_value()) continue;
    TaskResponse response;
    ASSERT_TRUE(response.ParseFromString(std::string((*frame)->payload)));
    ASSERT_EQ(response.task_id(), next++);
  }
}

TEST_F(MessageChannelTest, EndOfStreamIsOutOfRange) {
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1)).ok());
  ASSERT_TRUE(left_->Flush().ok());
  left_->CloseSend();
  EXPECT_EQ(Received(&*right_).task_id(), 1u);
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = right_->Receive().status();
    EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
    EXPECT_EQ(status.message(), "the stream has ended");
  }
}

TEST_F(MessageChannelTest, EndWithinAFrameIsToldFromTheEnd) {
  const std::string header = MakeFrameHeader(FrameType::kTaskResponse, 10);
  for (const absl::string_view part :
       {absl::string_view(header).substr(0, 1), absl::string_view(header)}) {
    Connect(kDefaultMaxFrameBytes);
    WriteRaw(part);
    left_->CloseSend();
    const absl::Status status = right_->Receive().status();
    EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
    EXPECT_EQ(status.message(), "the stream ends within a frame");
  }
}

TEST_F(MessageChannelTest, CloseSendForgetsWhatIsQueued) {
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1)).ok());
  left_->CloseSend();
  EXPECT_FALSE(left_->has_unsent());
  EXPECT_EQ(left_->out(), kInvalidFileHandle);
  EXPECT_TRUE(absl::IsOutOfRange(right_->Receive().status()));
}

TEST_F(MessageChannelTest, AnswersArriveAfterCloseSend) {
  left_->CloseSend();
  ASSERT_TRUE(right_->Send(FrameType::kTaskResponse, Response(3)).ok());
  ASSERT_TRUE(right_->Flush().ok());
  EXPECT_EQ(Received(&*left_).task_id(), 3u);
}

TEST_F(MessageChannelTest, PeerThatIsGoneIsAborted) {
  const SigpipeBlocked no_sigpipe;
  right_.reset();
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1)).ok());
  const absl::Status status = left_->Flush();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("closed"));
  EXPECT_FALSE(left_->has_unsent());
  EXPECT_TRUE(left_->Flush().ok()) << "nothing is queued";
}

TEST_F(MessageChannelTest, PeerThatGoesInTheMiddleIsAborted) {
  const SigpipeBlocked no_sigpipe;
  Connect(kDefaultMaxFrameBytes, Side::kNonBlocking, Side::kBlocking);
  ASSERT_TRUE(left_
                  ->Send(FrameType::kTaskResponse,
                         Response(1, std::string(size_t{1} << 20, 'x')))
                  .ok());
  ASSERT_TRUE(left_->Flush().ok());
  ASSERT_TRUE(left_->has_unsent()) << "the pipe took all of it";
  right_.reset();
  const absl::Status status = left_->Flush();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_FALSE(left_->has_unsent());
}

TEST_F(MessageChannelTest, AnswerOfAPeerThatIsGoneIsReceived) {
  ASSERT_TRUE(right_->Send(FrameType::kTaskResponse, Response(9)).ok());
  ASSERT_TRUE(right_->Flush().ok());
  right_.reset();
  EXPECT_EQ(Received(&*left_).task_id(), 9u);
  EXPECT_TRUE(absl::IsOutOfRange(left_->Receive().status()));
}

TEST_F(MessageChannelTest, MessageOverTheLimitIsResourceExhausted) {
  const size_t limit = Response(1, "12345").ByteSizeLong();
  Connect(limit);
  const absl::Status status =
      left_->Send(FrameType::kTaskResponse, Response(1, "123456"));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr(absl::StrCat(limit + 1, " bytes")),
                    HasSubstr(absl::StrCat("limit of ", limit)),
                    HasSubstr("max_frame_bytes")));
  EXPECT_FALSE(left_->has_unsent());

  // One that is just within it goes its way.
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1, "12345")).ok());
  ASSERT_TRUE(left_->Flush().ok());
  EXPECT_EQ(Received(&*right_).result(), "12345");
}

TEST_F(MessageChannelTest, RefusedMessageLeavesTheQueueAsItWas) {
  Connect(100);
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1)).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(left_->Send(
      FrameType::kTaskResponse, Response(2, std::string(100, 'x')))));
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(3)).ok());
  ASSERT_TRUE(left_->Flush().ok());
  EXPECT_EQ(Received(&*right_).task_id(), 1u);
  EXPECT_EQ(Received(&*right_).task_id(), 3u);
}

TEST_F(MessageChannelTest, ReceivedFrameOverTheLimitIsResourceExhausted) {
  Connect(100);
  WriteRaw(MakeFrameHeader(FrameType::kTaskResponse, 101));
  const absl::Status status = right_->Receive().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("max_frame_bytes"));
}

TEST_F(MessageChannelTest, GarbageIsDataLossAndQuoted) {
  ASSERT_TRUE(left_->Send(FrameType::kTaskResponse, Response(1)).ok());
  ASSERT_TRUE(left_->Flush().ok());
  WriteRaw("printed by mistake\n");
  EXPECT_EQ(Received(&*right_).task_id(), 1u);
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = right_->Receive().status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr("printed by mistake"));
  }
}

}  // namespace
}  // namespace multiproc
