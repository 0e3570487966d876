// An operating system's handle of an open file or pipe, and its owner.
//
//   absl::StatusOr<Pipe> pipe = Pipe::Create();
//   absl::Status written = WriteAll(pipe->write_end.get(), "hello");
//   pipe->write_end.reset();
//   absl::StatusOr<std::string> text = ReadToEnd(pipe->read_end.get());
//
// Thread-safety: a ScopedFileHandle is as thread-safe as an int; the functions
// may be called from any thread, on one handle by one thread at a time.

#ifndef MULTIPROC_EXECUTORS_FILE_HANDLE_H_
#define MULTIPROC_EXECUTORS_FILE_HANDLE_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace multiproc {

// A file descriptor on POSIX, a HANDLE on Windows; what stands for none; and
// whether it is one. On Windows INVALID_HANDLE_VALUE is none, too.
#ifdef _WIN32
using FileHandle = void*;
inline const FileHandle kInvalidFileHandle = nullptr;
inline bool IsValidHandle(FileHandle handle) {
  return handle != nullptr && handle != reinterpret_cast<FileHandle>(-1);
}
#else
// As above.
using FileHandle = int;
inline constexpr FileHandle kInvalidFileHandle = -1;
inline bool IsValidHandle(FileHandle handle) { return handle >= 0; }
#endif

// Owns a handle, and closes it. A handle that is owned by a ScopedFileHandle
// reaches no child process but those whose Command names it: it is marked
// close-on-exec by the functions here that open it, and closed in forked
// children that run no other program.
class ScopedFileHandle {
 public:
  ScopedFileHandle() = default;
  // Takes ownership of `handle`, which may be invalid.
  explicit ScopedFileHandle(FileHandle handle);
  // The same, for this library: of a handle that is in its table already.
  static ScopedFileHandle Adopt(FileHandle handle) {
    ScopedFileHandle owner;
    owner.handle_ = handle;
    return owner;
  }
  ScopedFileHandle(ScopedFileHandle&& other) noexcept
      : handle_(std::exchange(other.handle_, kInvalidFileHandle)) {}
  ScopedFileHandle& operator=(ScopedFileHandle&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, kInvalidFileHandle);
    }
    return *this;
  }
  ~ScopedFileHandle() { reset(); }

  // The handle, which stays owned; and whether there is one.
  FileHandle get() const { return handle_; }
  bool is_valid() const { return handle_ != kInvalidFileHandle; }

  // Gives up the handle without closing it.
  [[nodiscard]] FileHandle release();

  // Closes the handle.
  void reset();

 private:
  FileHandle handle_ = kInvalidFileHandle;
};

// Reads up to `size` bytes into `buffer`. 0 is the end. UNAVAILABLE, with an
// empty message, where a non-blocking handle has nothing yet.
absl::StatusOr<size_t> ReadSome(FileHandle handle, char* buffer, size_t size);

// Writes what `handle` takes of `bytes`, and returns how much that was.
// UNAVAILABLE, with an empty message, where a non-blocking handle is full.
// Where nobody reads any more: ABORTED, and SIGPIPE unless the thread blocks it
// (signal(7): it goes to the thread that writes).
absl::StatusOr<size_t> WriteSome(FileHandle handle, absl::string_view bytes);
// The same of several pieces in a row, of which the first is not empty. It may
// stop after the first, though there is room for more; writev(2) takes 1,024.
absl::StatusOr<size_t> WriteSome(FileHandle handle,
                                 absl::Span<const absl::string_view> pieces);

// WriteSome without SIGPIPE, whatever the thread blocks.
absl::StatusOr<size_t> WriteSomeQuietly(
    FileHandle handle, absl::Span<const absl::string_view> pieces);
absl::StatusOr<size_t> WriteSomeQuietly(FileHandle handle,
                                        absl::string_view bytes);

// Writes all of `bytes` to a blocking handle. Never raises SIGPIPE, and leaves
// its disposition alone: ABORTED where nobody reads any more.
absl::Status WriteAll(FileHandle handle, absl::string_view bytes);

// Reads until the end of a blocking handle.
absl::StatusOr<std::string> ReadToEnd(FileHandle handle);

// Waits until `handle` is readable or at its end, or for the exit event of a
// Process; false if that took longer than `timeout`. Nothing of the pipe is
// taken. On Windows a blocking pipe can only be asked (PeekNamedPipe), and is
// asked again every few milliseconds; all else is waited for without polling.
bool WaitReadable(FileHandle handle, absl::Duration timeout);

// Lets the pipe of which `handle` is an end hold up to `size` bytes, where the
// system can do that later (Linux, fcntl(2), F_SETPIPE_SZ) and grants it; else
// nothing happens. Great messages pass several times as fast then.
void EnlargePipe(FileHandle handle, size_t size);

// A one-way pipe. Neither end is inherited by any child, unless a Command names
// it.
struct Pipe {
  // The ends on which reads and writes return instead of waiting. They are for
  // this process alone: a child that got one would not expect that. It is asked
  // for here, since Windows decides it when a handle is opened. There, what
  // such a write end has taken is lost if the end is closed before it was read.
  enum class NonBlocking { kNeither, kReadEnd, kWriteEnd, kBoth };

  // Makes a pipe. RESOURCE_EXHAUSTED if the system has no more handles.
  static absl::StatusOr<Pipe> Create(NonBlocking ends = NonBlocking::kNeither);

  // What is written to the one is read from the other.
  ScopedFileHandle read_end;
  ScopedFileHandle write_end;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_FILE_HANDLE_H_
