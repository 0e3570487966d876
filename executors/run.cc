#include "multiproc/executors/run.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/executors/poller.h"
#include "multiproc/executors/process.h"

namespace multiproc {
namespace {

constexpr size_t kReadSize = size_t{64} << 10;
// The most that a pipe holds, if nobody has raised it for all (pipe(7),
// /proc/sys/fs/pipe-max-size).
constexpr size_t kPipeSize = size_t{1} << 20;

// What the poller calls the handles.
constexpr uint64_t kInput = 0;
constexpr uint64_t kOutput = 1;
constexpr uint64_t kError = 2;
constexpr uint64_t kExit = 3;

// One of the child's outputs.
struct Capture {
  ScopedFileHandle handle;  // Invalid once at its end.
  uint64_t token;
  std::string* text;
};

class Running {
 public:
  Running(const Command& command, const RunOptions& options)
      : command_(command),
        options_(options),
        deadline_(MonotonicNow() + options.timeout),
        input_(options.standard_input) {}

  absl::StatusOr<RunResult> Run() {
    absl::Status status = MakePipes();
    if (status.ok()) status = Start();
    if (status.ok()) status = WatchAll();
    if (status.ok()) status = TransferUntilExit();
    if (status.ok()) status = TakeTheRest();
    if (!status.ok()) return status;
    const absl::StatusOr<ExitStatus> end = process_.Wait();
    if (!end.ok()) return end.status();
    result_.status = *end;
    return std::move(result_);
  }

 private:
  // ---- The start ----

  // Non-blocking ends, which those of Stdio::Pipe() are not.
  absl::Status MakePipes() {
    for (const Stdio* const stdio :
         {&command_.standard_input, &command_.standard_output,
          &command_.standard_error}) {
      if (stdio->kind() == Stdio::Kind::kPipe) {
        return absl::InvalidArgumentError(
            "Run: a stream of the Command is Stdio::Pipe(): leave it at "
            "Inherit() to have it captured, or use Spawn");
      }
    }
    absl::Status status = MakeInput();
    status.Update(MakeOutput(&command_.standard_output, kOutput,
                             &result_.standard_output));
    status.Update(
        MakeOutput(&command_.standard_error, kError, &result_.standard_error));
    return status;
  }

  absl::Status MakeInput() {
    if (command_.standard_input.kind() != Stdio::Kind::kInherit) {
      if (input_.empty()) return absl::OkStatus();
      return absl::InvalidArgumentError(
          "Run: there is a standard_input in the options, and the Command's "
          "leads elsewhere");
    }
    if (input_.empty()) {
      command_.standard_input = Stdio::Null();
      return absl::OkStatus();
    }
    absl::StatusOr<Pipe> pipe = Pipe::Create(Pipe::NonBlocking::kWriteEnd);
    if (!pipe.ok()) return pipe.status();
    command_.standard_input = Stdio::Handle(pipe->read_end.get());
    child_ends_.push_back(std::move(pipe->read_end));
    input_end_ = std::move(pipe->write_end);
    return absl::OkStatus();
  }

  absl::Status MakeOutput(Stdio* stdio, uint64_t token, std::string* text) {
    if (stdio->kind() != Stdio::Kind::kInherit) return absl::OkStatus();
    absl::StatusOr<Pipe> pipe = Pipe::Create(Pipe::NonBlocking::kReadEnd);
    if (!pipe.ok()) return pipe.status();
    *stdio = Stdio::Handle(pipe->write_end.get());
    child_ends_.push_back(std::move(pipe->write_end));
    captures_.push_back({std::move(pipe->read_end), token, text});
    return absl::OkStatus();
  }

  absl::Status Start() {
    // What can fail fails before there is a child.
    absl::StatusOr<std::unique_ptr<Poller>> poller = Poller::Create();
    if (!poller.ok()) return poller.status();
    poller_ = *std::move(poller);
    Executor* executor = options_.executor;
    if (executor == nullptr) {
      const absl::StatusOr<Executor*> found = DefaultExecutor();
      if (!found.ok()) return found.status();
      executor = *found;
    }
    absl::StatusOr<Process> process = executor->Spawn(command_);
    if (!process.ok()) return process.status();
    process_ = *std::move(process);
    process_.set_on_destroy(Process::OnDestroy::kKill);
    child_ends_.clear();
    return absl::OkStatus();
  }

  absl::Status WatchAll() {
    absl::Status status =
        poller_->Watch(process_.exit_event(), kExit, Poller::kReadable);
    for (const Capture& capture : captures_) {
      status.Update(poller_->Watch(capture.handle.get(), capture.token,
                                   Poller::kReadable));
    }
    if (input_end_.is_valid()) {
      status.Update(
          poller_->Watch(input_end_.get(), kInput, Poller::kWritable));
    }
    return status;
  }

  // ---- While it runs ----

  absl::Status TransferUntilExit() {
    while (!has_ended_) {
      if (MonotonicNow() >= deadline_) return KilledError();
      poller_->Wait(deadline_ - MonotonicNow(), &ready_);
      absl::Status status = TransferReady();
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status TransferReady() {
    absl::Status status;
    for (const uint64_t token : ready_) {
      if (token == kExit) has_ended_ = true;
      if (token == kInput) WriteInput();
      for (Capture& capture : captures_) {
        if (token == capture.token) status.Update(Read(capture).status());
      }
    }
    return status;
  }

  // On Windows what was written is lost if the pipe is closed before the write
  // has ended, and it has once this is called again.
  void WriteInput() {
    if (!input_.empty()) {
      const absl::StatusOr<size_t> size =
          WriteSomeQuietly(input_end_.get(), input_);
      if (size.ok()) {
        input_.remove_prefix(*size);
        return;
      }
      if (absl::IsUnavailable(size.status())) return;
      // Nobody reads any more, which is the child's affair.
    }
    poller_->Forget(input_end_.get());
    input_end_.reset();
  }

  // How many bytes were read: 0 if there are none now, or none any more.
  absl::StatusOr<size_t> Read(Capture& capture) {
    if (!capture.handle.is_valid()) return size_t{0};
    buffer_.resize(kReadSize);
    const absl::StatusOr<size_t> size =
        ReadSome(capture.handle.get(), buffer_.data(), buffer_.size());
    if (absl::IsUnavailable(size.status())) return size_t{0};
    if (!size.ok()) return size.status();
    if (*size == 0) {
      poller_->Forget(capture.handle.get());
      capture.handle.reset();
      return size_t{0};
    }
    if (*size > options_.max_output_bytes - capture.text->size()) {
      return absl::ResourceExhaustedError(
          absl::StrCat(Describe(command_), " (pid ", process_.pid(),
                       ") was killed: it printed more than ",
                       options_.max_output_bytes, " bytes to standard ",
                       capture.token == kOutput ? "output" : "error"));
    }
    capture.text->append(buffer_.data(), *size);
    return *size;
  }

  absl::Status KilledError() const {
    return absl::DeadlineExceededError(
        absl::StrCat(Describe(command_), " (pid ", process_.pid(),
                     ") was killed: it ran for longer than ",
                     absl::FormatDuration(options_.timeout)));
  }

  // ---- After its end ----

  // What the child itself has printed is in the pipes by now: no more than they
  // hold. Then what others print who have them, too.
  absl::Status TakeTheRest() {
    for (Capture& capture : captures_) {
      for (size_t total = 0; total < kPipeSize;) {
        const absl::StatusOr<size_t> size = Read(capture);
        if (!size.ok()) return size.status();
        if (*size == 0) break;
        total += *size;
      }
    }
    poller_->Forget(process_.exit_event());
    if (input_end_.is_valid()) poller_->Forget(input_end_.get());
    const absl::Time last_time = MonotonicNow() + options_.output_grace;
    while (IsCapturing() && MonotonicNow() < last_time) {
      poller_->Wait(last_time - MonotonicNow(), &ready_);
      absl::Status status = TransferReady();
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  bool IsCapturing() const {
    return std::any_of(captures_.begin(), captures_.end(),
                       [](const Capture& c) { return c.handle.is_valid(); });
  }

  Command command_;
  const RunOptions& options_;
  const absl::Time deadline_;
  // What is left to write.
  absl::string_view input_;
  ScopedFileHandle input_end_;
  std::vector<Capture> captures_;
  std::vector<ScopedFileHandle> child_ends_;
  Process process_;
  bool has_ended_ = false;
  RunResult result_;
  std::vector<char> buffer_;
  std::vector<uint64_t> ready_;
  // Ends before what it watches.
  std::unique_ptr<Poller> poller_;
};

}  // namespace

absl::StatusOr<RunResult> Run(const Command& command,
                              const RunOptions& options) {
  return Running(command, options).Run();
}

}  // namespace multiproc
