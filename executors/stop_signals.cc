#include "multiproc/executors/stop_signals.h"

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/flush_streams.h"
#include "multiproc/executors/stop_handlers.h"

namespace multiproc {
namespace {

// The process of which there is an object, whose handlers are the process's. A
// fork of it has neither.
std::atomic<int64_t> owner{0};

// Of all objects of a process, one after the other; never closed
// (stop_handlers.h).
struct WakePipe {
  int64_t pid = 0;
  Pipe pipe;
};
WakePipe* wake = nullptr;

// A fork leaves what it has got: it is not its own, and may be closed, and the
// numbers be another's.
absl::Status MakeWakePipe() {
  if (wake != nullptr && wake->pid == CurrentPid()) return absl::OkStatus();
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  if (!pipe.ok()) return pipe.status();
  wake = new WakePipe{CurrentPid(), *std::move(pipe)};
  return absl::OkStatus();
}

// What the last thread has left: a signal that came as it ended.
void EmptyWakePipe() {
  char byte = 0;
  while (WaitReadable(wake->pipe.read_end.get(), absl::ZeroDuration()) &&
         ReadSome(wake->pipe.read_end.get(), &byte, 1).ok()) {
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<StopSignals>> StopSignals::Handle(
    std::function<void(int signal)> on_stop) {
  if (owner.exchange(CurrentPid()) == CurrentPid()) {
    return absl::FailedPreconditionError(
        "the signals that stop the program are handled already: a StopSignals "
        "lives");
  }
  // Its destructor gives them back from here on.
  auto stop = std::unique_ptr<StopSignals>(new StopSignals(std::move(on_stop)));
  if (absl::Status status = MakeWakePipe(); !status.ok()) return status;
  EmptyWakePipe();
  StopSignals* const self = stop.get();
  absl::StatusOr<std::unique_ptr<LibraryThread>> thread =
      LibraryThread::Start([self] { self->Run(); });
  if (!thread.ok()) return thread.status();
  stop->thread_ = *std::move(thread);
  InstallStopHandlers(wake->pipe.write_end.get());
  return stop;
}

StopSignals::StopSignals(std::function<void(int signal)> on_stop)
    : on_stop_(std::move(on_stop)) {}

// A fork has the object, and not the thread.
StopSignals::~StopSignals() {
  if (owner != CurrentPid()) {
    static_cast<void>(thread_.release());
    return;
  }
  Stop();
  owner = 0;
}

// The thread ends by the byte 0, after a signal that came before.
void StopSignals::Stop() {
  if (thread_ == nullptr) return;
  RestoreStopHandlers();
  WriteAll(wake->pipe.write_end.get(), absl::string_view("\0", 1))
      .IgnoreError();
  thread_ = nullptr;
}

void StopSignals::Run() {
  char byte = 0;
  for (;;) {
    const absl::StatusOr<size_t> size =
        ReadSome(wake->pipe.read_end.get(), &byte, 1);
    if (!size.ok() || *size == 0 || byte == 0) return;
    signal_.store(static_cast<unsigned char>(byte), std::memory_order_release);
    if (on_stop_ != nullptr) on_stop_(signal());
  }
}

void StopSignals::PassOn() {
  Stop();
  if (signal() == 0) return;
  FlushStandardStreams();
  EndBySignal(signal());
}

}  // namespace multiproc
