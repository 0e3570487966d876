#include "multiproc/pool/worker_capture.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
namespace multiproc {
namespace {

// At a time: other workers have something to say, too.
constexpr size_t kReadBytes = size_t{64} << 10;
// The most that a pipe holds, if nobody has raised it for all (pipe(7),
// /proc/sys/fs/pipe-max-size).
constexpr size_t kPipeBytes = size_t{1} << 20;

// Of LastLines.
constexpr size_t kLastLines = 2;
constexpr size_t kLastLineBytes = 160;

}  // namespace

WorkerCapture::Side::Side(Stream which, WorkerCapture* owner)
    : stream(which), capture(owner), splitter(owner->relay_->nonce(), this) {}

WorkerCapture::WorkerCapture(uint64_t worker_id,
                             std::shared_ptr<OutputRelay> relay)
    : worker_id_(worker_id),
      relay_(std::move(relay)),
      sides_{Side(Stream::kStdout, this), Side(Stream::kStderr, this)} {}

absl::StatusOr<std::unique_ptr<WorkerCapture>> WorkerCapture::CreateFor(
    Command* command, uint64_t worker_id, std::shared_ptr<OutputRelay> relay) {
  if (relay == nullptr) return nullptr;
  std::unique_ptr<WorkerCapture> capture(
      new WorkerCapture(worker_id, std::move(relay)));
  for (Side& side : capture->sides_) {
    absl::StatusOr<Pipe> pipe = Pipe::Create(Pipe::NonBlocking::kReadEnd);
    if (!pipe.ok()) return pipe.status();
    side.read_end = std::move(pipe->read_end);
    side.write_end = std::move(pipe->write_end);
    Stdio& stdio = side.stream == Stream::kStdout ? command->standard_output
                                                  : command->standard_error;
    stdio = Stdio::Handle(side.write_end.get());
  }
  return capture;
}

void WorkerCapture::Started(int64_t pid) {
  pid_ = pid;
  for (Side& side : sides_) side.write_end.reset();
}

void WorkerCapture::Read(Stream stream) {
  ReadSome(side(stream));
  Deliver();
}

// No more than the pipes held when it ended: somebody else may write to them
// all the time.
void WorkerCapture::ReadRest() {
  for (Side& side : sides_) {
    size_t total = 0;
    while (total < kPipeBytes) {
      const size_t size = ReadSome(side);
      if (size == 0) break;
      total += size;
      Deliver();
    }
    side.splitter.Finish();
    Deliver();
  }
}

// How many bytes were read: 0 if there are none now, or none any more.
size_t WorkerCapture::ReadSome(Side& side) {
  if (!side.open) return 0;
  const std::unique_ptr<char[]> buffer(new char[kReadBytes]);
  const absl::StatusOr<size_t> size =
      multiproc::ReadSome(side.read_end.get(), buffer.get(), kReadBytes);
  if (absl::IsUnavailable(size.status())) return 0;
  if (!size.ok() || *size == 0) {
    side.open = false;
    return 0;
  }
  side.splitter.Add(absl::string_view(buffer.get(), *size));
  return *size;
}

void WorkerCapture::BeginTask(Side& side, uint64_t id) {
  side.task_id = id;
  side.label.clear();
  if (id == 0) return;
  FindLabel(side);
  if (side.stream != Stream::kStderr) return;
  tail_task_ = id;
  tail_.clear();
  last_lines_.clear();
}

void WorkerCapture::TakeLine(Side& side, absl::string_view line) {
  if (side.stream == Stream::kStderr) AddToTail(side.task_id, line);
  WorkerOutput output;
  output.stream = side.stream;
  output.worker_id = worker_id_;
  output.worker_pid = pid_;
  output.task_id = side.task_id;
  output.label = side.label;
  output.line = std::string(line);
  lines_.push_back(std::move(output));
}

// What comes between two tasks is not of the first.
void WorkerCapture::AddToTail(uint64_t task_id, absl::string_view line) {
  if (task_id != tail_task_) return;
  tail_.append(line.data(), line.size());
  tail_.push_back('\n');
  if (tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
  if (line.empty() || absl::ascii_isspace(line[0])) return;
  if (last_lines_.size() == kLastLines) last_lines_.pop_front();
  last_lines_.push_back(
      absl::StrCat(line.substr(0, kLastLineBytes),
                   line.size() > kLastLineBytes ? "..." : ""));
}

std::string WorkerCapture::LastLines(uint64_t task_id) const {
  return task_id == tail_task_ ? absl::StrJoin(last_lines_, "\n") : "";
}

void WorkerCapture::Deliver() { relay_->Deliver(std::exchange(lines_, {})); }

void WorkerCapture::AddLabel(uint64_t id, absl::string_view label) {
  if (label.empty()) return;
  labels_.push_back({num_labels_++, id, std::string(label)});
}

// Those before it were of tasks that this stream has behind it, or that were
// taken back. Once both streams have them so they are forgotten.
void WorkerCapture::FindLabel(Side& side) {
  const auto found =
      std::find_if(labels_.begin(), labels_.end(), [&side](const Label& label) {
        return label.number >= side.next_label && label.task_id == side.task_id;
      });
  if (found == labels_.end()) return;
  side.label = found->text;
  side.next_label = found->number;
  const uint64_t needed = std::min(sides_[0].next_label, sides_[1].next_label);
  while (labels_.front().number < needed) labels_.pop_front();
}

}  // namespace multiproc
