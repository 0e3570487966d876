// What Windows has instead of non-blocking pipes: overlapped ones, on which a
// read or a write is started, and ends later. This makes them look like
// non-blocking ones, with one read and one write under way at a time, each with
// a buffer of its own. Windows only.
//
//   absl::StatusOr<Pipe> pipe = Pipe::Create(Pipe::NonBlocking::kReadEnd);
//   std::shared_ptr<OverlappedPipe> end =
//       OverlappedPipe::Find(pipe->read_end.get());
//   end->Bind(completion_port);
//   if (end->IsReadable()) end->Read(buffer, size);
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_OVERLAPPED_PIPE_H_
#define MULTIPROC_EXECUTORS_OVERLAPPED_PIPE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

class OverlappedPipe {
 public:
  // The end that `handle` stands for; null for every other handle.
  static std::shared_ptr<OverlappedPipe> Find(FileHandle handle);

  // Makes `handle`, which was opened with FILE_FLAG_OVERLAPPED, one that Find
  // knows; Remove waits until nothing is under way on it any more, and must
  // come before it is closed.
  static void Add(FileHandle handle);
  static void Remove(FileHandle handle);

  explicit OverlappedPipe(FileHandle handle);
  ~OverlappedPipe();

  OverlappedPipe(const OverlappedPipe&) = delete;
  OverlappedPipe& operator=(const OverlappedPipe&) = delete;

  // As ReadSome and WriteSome of a non-blocking handle. Written bytes are
  // copied: they may still be on their way when Write returns. So an error may
  // be that of an earlier call.
  absl::StatusOr<size_t> Read(char* buffer, size_t size);
  absl::StatusOr<size_t> Write(absl::string_view bytes);

  // Whether Read or Write would do something, be it an error. IsReadable starts
  // a read if none is under way.
  bool IsReadable();
  bool IsWritable();

  // Waits until IsReadable, up to `timeout`.
  bool WaitReadable(absl::Duration timeout);

  // From now on the end of each read and write that did not end at once is
  // posted to `port`, an I/O completion port, with the handle as its key.
  // Before the first write; always to the same port.
  absl::Status Bind(void* port);

 private:
  struct Operation;

  bool IsReadableLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsWritableLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StartRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes what a read that has ended has brought.
  void TakeRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StopRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StartWrite(absl::string_view bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends what is under way, and waits until the buffer is this object's again.
  void Cancel(Operation& operation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Close();

  const FileHandle handle_;
  absl::Mutex mutex_;
  void* port_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // The system writes to these while an operation is under way.
  const std::unique_ptr<Operation> read_;
  const std::unique_ptr<Operation> write_;
  // Of what Read has not returned yet.
  size_t read_begin_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t read_end_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of the next read.
  size_t read_size_ ABSL_GUARDED_BY(mutex_);
  // Of GetLastError; for good.
  uint32_t read_error_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t write_error_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_OVERLAPPED_PIPE_H_
