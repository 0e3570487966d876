// What a FrameReader makes of any bytes, however they are cut into reads, and
// whether a MessageChannel gives back what another was given, whatever way and
// in whatever pieces it went.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT(build/c++11)
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/shared_memory.h"
#include "multiproc/functions/packed_bytes.h"
#include "multiproc/pool/answer_journal.h"
#include "multiproc/pool/frame_reader.h"
#include "multiproc/pool/message_channel.h"
#include "multiproc/pool/worker_memory.h"
#include "multiproc/proto/task.pb.h"
#include "tests/fuzz/fuzz_input.h"

namespace multiproc {
namespace {

struct Read {
  FrameType type;
  std::string payload;

  bool operator==(const Read& other) const {
    return type == other.type && payload == other.payload;
  }
};

// ---- Any bytes ----

// What is in a stream of bytes, by the grammar of docs/frame_format.md.
struct Stream {
  std::vector<Read> frames;
  absl::StatusCode end = absl::StatusCode::kOk;
  // Where the frame begins that is not complete, or is none.
  size_t rest = 0;
};

// Of what `bytes` begin with; nullopt if more are needed to tell.
std::optional<absl::StatusCode> CodeOfHeader(absl::string_view bytes,
                                             size_t max_frame_bytes,
                                             size_t* length) {
  const absl::string_view magic("\xF5M", 2);
  if (bytes.substr(0, 2) != magic.substr(0, bytes.size())) {
    return absl::StatusCode::kDataLoss;
  }
  if (bytes.size() < 8) return std::nullopt;
  if (bytes[2] != 1 || bytes[3] < 1 || bytes[3] > 6) {
    return absl::StatusCode::kDataLoss;
  }
  *length = 0;
  for (int i = 7; i >= 4; --i) {
    *length = *length * 256 + static_cast<uint8_t>(bytes[i]);
  }
  if (*length > max_frame_bytes) return absl::StatusCode::kResourceExhausted;
  return absl::StatusCode::kOk;
}

Stream Parse(absl::string_view bytes, size_t max_frame_bytes) {
  Stream stream;
  while (true) {
    const absl::string_view rest = bytes.substr(stream.rest);
    size_t length = 0;
    const std::optional<absl::StatusCode> code =
        CodeOfHeader(rest, max_frame_bytes, &length);
    if (!code.has_value()) return stream;
    stream.end = *code;
    if (*code != absl::StatusCode::kOk) return stream;
    if (rest.size() < 8 + length) return stream;
    stream.frames.push_back(
        {static_cast<FrameType>(rest[3]), std::string(rest.substr(8, length))});
    stream.rest += 8 + length;
  }
}

// Takes what is there; returns the error, if there is one.
absl::Status TakeFrames(FrameReader& reader, bool take, std::vector<Read>* to) {
  while (true) {
    const absl::StatusOr<std::optional<Frame>> frame = reader.Next();
    if (!frame.ok() || !frame->has_value()) return frame.status();
    to->push_back({(*frame)->type, std::string((*frame)->payload)});
    // Whoever does not want an attachment just goes on.
    if ((*frame)->type == FrameType::kAttachment && take) {
      FUZZ_CHECK(reader.TakeAttachment().view() == to->back().payload);
    }
  }
}

// Puts a piece of `bytes` into the reader, as one read would; its size.
size_t Fill(FrameReader& reader, absl::string_view bytes, size_t size) {
  size = std::min({std::max<size_t>(size, 1), bytes.size(), reader.limit()});
  // As MessageChannel asks for more than there is.
  char* const space = reader.Space(std::min<size_t>(4096, reader.limit()));
  size = std::min<size_t>(size, 4096);
  std::copy_n(bytes.data(), size, space);
  reader.Filled(size);
  return size;
}

// The heap grows with what has come, not with what is announced; but for an
// attachment, which is never greater than a frame may be (and another of which
// is kept by the thread, for the next).
void CheckHeap(size_t before, size_t come, size_t max_frame_bytes) {
  const size_t attachment = max_frame_bytes + (64 << 10);
  FUZZ_CHECK(HeapBytes() <= before + 20 * come + 2 * attachment + (64 << 10));
}

void ReadAnyBytes(FuzzInput& in) {
  constexpr size_t kLimits[] = {0, 8, 100, 5000, 70000, 1 << 20};
  const size_t max_frame_bytes = kLimits[in.Number(5)];
  const bool take = in.Byte() % 2 == 0;
  // How many bytes each read brings, over and over.
  const absl::string_view sizes = in.Piece();
  const absl::string_view bytes = in.Rest();
  const Stream stream = Parse(bytes, max_frame_bytes);

  const size_t heap = HeapBytes();
  FrameReader reader(max_frame_bytes);
  std::vector<Read> read;
  absl::Status status;
  size_t come = 0;
  for (size_t i = 0; come < bytes.size() && status.ok(); ++i) {
    const size_t size =
        sizes.empty() ? 4096 : static_cast<uint8_t>(sizes[i % sizes.size()]);
    come += Fill(reader, bytes.substr(come), size);
    status = TakeFrames(reader, take, &read);
    // Counting takes longer than a read.
    if (i % 16 == 0) CheckHeap(heap, come, max_frame_bytes);
  }
  CheckHeap(heap, come, max_frame_bytes);
  FUZZ_CHECK(read == stream.frames);
  FUZZ_CHECK(status.code() == stream.end);
  if (status.ok()) {
    FUZZ_CHECK(reader.in_frame() == (stream.rest < bytes.size()));
    return;
  }
  // The stream is lost, whatever comes.
  const std::string good = MakeFrameHeader(FrameType::kTakeBack, 0);
  for (int i = 0; i < 2; ++i) {
    Fill(reader, good, good.size());
    FUZZ_CHECK(reader.Next().status() == status);
  }
}

// ---- What was written ----

// Two ends of a channel in one process, and what is on the way. The writer's
// end blocks if there is a journal, as a worker's does.
class Channel {
 public:
  Channel(bool has_journal, size_t max_frame_bytes)
      : memory_(*WorkerMemory::Create()),
        sent_journal_(WorkerMemory::In(memory_)),
        seen_journal_(WorkerMemory::In(memory_)),
        has_journal_(has_journal) {
    Pipe pipe = *Pipe::Create(has_journal ? Pipe::NonBlocking::kReadEnd
                                          : Pipe::NonBlocking::kBoth);
    writer_.emplace(ScopedFileHandle(), std::move(pipe.write_end),
                    max_frame_bytes);
    reader_.emplace(std::move(pipe.read_end), ScopedFileHandle(),
                    max_frame_bytes);
    if (has_journal) writer_->set_journal(&sent_journal_);
  }

  void Send(size_t size, char fill) {
    TaskProgress message;
    message.set_message(std::string(size, fill));
    const absl::Status status =
        writer_->Send(FrameType::kTaskProgress, message);
    if (!status.ok()) {
      FUZZ_CHECK(absl::IsResourceExhausted(status));
      return;
    }
    queued_ += kFrameHeaderSize + message.ByteSizeLong();
    expected_.push_back(
        {FrameType::kTaskProgress, message.SerializeAsString()});
  }

  void SendAttachment(size_t size, char fill) {
    const std::string bytes(size, fill);
    // In chunks of about as few bytes as a Cord does not copy.
    absl::Cord cord;
    for (size_t i = 0; i < size;) {
      const size_t chunk = std::min(size - i, 512 + i % 101);
      const auto owned = std::make_shared<const std::string>(chunk, fill);
      cord.Append(absl::MakeCordFromExternal(*owned, [owned] {}));
      i += chunk;
    }
    const absl::Status status = writer_->SendAttachment(cord);
    if (!status.ok()) {
      FUZZ_CHECK(absl::IsResourceExhausted(status));
      return;
    }
    queued_ += kFrameHeaderSize + size;
    expected_.push_back({FrameType::kAttachment, bytes});
  }

  // A writer that blocks needs room in the pipe, or somebody who reads.
  void Flush() {
    if (has_journal_) ReadAll();
    if (has_journal_ && queued_ > kRoom) {
      FlushWithReader();
    } else {
      FUZZ_CHECK(writer_->Flush().ok());
    }
    if (!writer_->has_unsent()) queued_ = 0;
  }

  // One read, and what it brings.
  bool ReadSome() {
    const absl::StatusOr<bool> filled = reader_->Fill();
    FUZZ_CHECK(filled.ok());
    TakeFrames();
    return *filled;
  }
  void ReadAll() {
    while (ReadSome()) {
    }
  }

  // What is in the journal only.
  void ReadJournal() {
    if (has_journal_ && reader_->FillFrom(seen_journal_)) TakeFrames();
  }

  void CheckAllCame() {
    while (writer_->has_unsent()) {
      Flush();
      ReadAll();
    }
    ReadAll();
    FUZZ_CHECK(came_ == expected_);
    FUZZ_CHECK(!reader_->in_frame());
    FUZZ_CHECK(writer_->queue_size() == 0);
  }

 private:
  // Of a pipe, whatever the pieces in which it is filled.
  static constexpr size_t kRoom = 16 << 10;

  void FlushWithReader() {
    std::atomic<bool> done{false};
    std::thread writer([&] {
      FUZZ_CHECK(writer_->Flush().ok());
      done = true;
    });
    while (!done) {
      if (WaitReadable(reader_->in(), absl::Milliseconds(1))) ReadSome();
    }
    writer.join();
  }

  void TakeFrames() {
    while (true) {
      const absl::StatusOr<std::optional<Frame>> frame = reader_->Next();
      FUZZ_CHECK(frame.ok());
      if (!frame->has_value()) return;
      came_.push_back({(*frame)->type, std::string((*frame)->payload)});
      FUZZ_CHECK(came_.size() <= expected_.size());
      FUZZ_CHECK(came_.back() == expected_[came_.size() - 1]);
    }
  }

  SharedMemory memory_;
  AnswerJournal sent_journal_;
  const AnswerJournal seen_journal_;
  const bool has_journal_;
  std::optional<MessageChannel> writer_;
  std::optional<MessageChannel> reader_;
  // Bytes that are sent, and not all flushed.
  size_t queued_ = 0;
  std::vector<Read> expected_;
  std::vector<Read> came_;
};

void WriteAndRead(FuzzInput& in) {
  Channel channel(/*has_journal=*/in.Byte() % 2 == 1,
                  /*max_frame_bytes=*/in.Number(40 << 10));
  for (int step = 0; !in.empty() && step < 200; ++step) {
    const uint8_t what = in.Byte();
    const char fill = static_cast<char>(step);
    switch (what % 8) {
      case 0:
        channel.Send(in.Byte(), fill);
        break;
      case 1:
        channel.Send(in.Number(20 << 10), fill);
        break;
      case 2:
        channel.SendAttachment(in.Number(60 << 10), fill);
        break;
      case 3:
        channel.Flush();
        break;
      case 4:
        channel.ReadSome();
        break;
      case 5:
        channel.ReadAll();
        break;
      default:
        channel.ReadJournal();
        break;
    }
  }
  channel.CheckAllCame();
}

}  // namespace
}  // namespace multiproc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  multiproc::FuzzInput in(data, size);
  if (in.Byte() % 4 == 1) {
    multiproc::WriteAndRead(in);
  } else {
    multiproc::ReadAnyBytes(in);
  }
  return 0;
}
