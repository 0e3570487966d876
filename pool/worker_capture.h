// The parent's side of one worker's captured output: the pipes that its stdout
// and stderr lead to, and what comes out of them.
//
//   auto capture = WorkerCapture::CreateFor(&command, worker_id, relay);
//   ...                                  // the worker is started by `command`
//   (*capture)->Started(pid);
//   (*capture)->Read(stream);            // each time that it is readable
//   (*capture)->ReadRest();              // once the worker is gone
//
// Not thread-safe: it belongs to whoever has the pool's loop.

#ifndef MULTIPROC_POOL_WORKER_CAPTURE_H_
#define MULTIPROC_POOL_WORKER_CAPTURE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/pool/output_relay.h"
#include "multiproc/pool/output_splitter.h"
#include "multiproc/pool/worker_output.h"

namespace multiproc {

class WorkerCapture {
 public:
  using Stream = WorkerOutput::Stream;
  static constexpr Stream kStreams[] = {Stream::kStdout, Stream::kStderr};

  // How much is kept of the end of what a task writes to stderr, in bytes.
  static constexpr size_t kTailBytes = 4096;

  // Leads the streams of `command`, which is to start worker `worker_id`, here,
  // and its lines to `relay`. Null, and nothing is changed, if that is null.
  // RESOURCE_EXHAUSTED and others, if the system has no more pipes.
  static absl::StatusOr<std::unique_ptr<WorkerCapture>> CreateFor(
      Command* command, uint64_t worker_id, std::shared_ptr<OutputRelay> relay);

  // The worker was started, as this process.
  void Started(int64_t pid);

  // The end to be watched and read, open as long as this lives; and whether
  // there is anything to come from it.
  FileHandle handle(Stream stream) const { return side(stream).read_end.get(); }
  bool is_open(Stream stream) const { return side(stream).open; }

  // Says how task `id`, which is leased to the worker now, is labelled: its
  // lines come later. Empty for not at all.
  void AddLabel(uint64_t id, absl::string_view label);

  // Delivers what has come, as far as there is a full line; up to some 64 KiB.
  void Read(Stream stream);

  // Delivers all that a worker which is gone has left in its pipes. What other
  // processes write there later is lost.
  void ReadRest();

  // The end of what `task_id` has written to stderr, if that ran last; what was
  // written before the first task for 0.
  absl::string_view StderrTail(uint64_t task_id) const {
    return task_id == tail_task_ ? tail_ : absl::string_view();
  }
  // The last line or two of it, or their begins, for a message: without those
  // that are empty or indented, which are the frames of a stack trace mostly.
  std::string LastLines(uint64_t task_id) const;

 private:
  struct Label {
    uint64_t number;  // Counts them.
    uint64_t task_id;
    std::string text;
  };

  // One of the two streams.
  struct Side : OutputSplitter::Receiver {
    Side(Stream which, WorkerCapture* owner);
    void OnTask(uint64_t id) override { capture->BeginTask(*this, id); }
    void OnLine(absl::string_view line) override {
      capture->TakeLine(*this, line);
    }

    const Stream stream;
    WorkerCapture* const capture;
    OutputSplitter splitter;
    ScopedFileHandle read_end;
    ScopedFileHandle write_end;
    bool open = true;
    uint64_t task_id = 0;
    std::string label;
    // Of the first label that it may need.
    uint64_t next_label = 0;
  };

  WorkerCapture(uint64_t worker_id, std::shared_ptr<OutputRelay> relay);

  Side& side(Stream stream) { return sides_[static_cast<size_t>(stream)]; }
  const Side& side(Stream stream) const {
    return sides_[static_cast<size_t>(stream)];
  }
  size_t ReadSome(Side& side);
  void BeginTask(Side& side, uint64_t id);
  void FindLabel(Side& side);
  void TakeLine(Side& side, absl::string_view line);
  void AddToTail(uint64_t task_id, absl::string_view line);
  void Deliver();

  const uint64_t worker_id_;
  const std::shared_ptr<OutputRelay> relay_;
  int64_t pid_ = 0;
  std::array<Side, 2> sides_;
  std::vector<WorkerOutput> lines_;
  // In the order in which tasks were leased, which is that in which they run.
  std::deque<Label> labels_;
  uint64_t num_labels_ = 0;
  uint64_t tail_task_ = 0;
  std::string tail_;
  std::deque<std::string> last_lines_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_CAPTURE_H_
