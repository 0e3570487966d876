#ifndef _WIN32
#error "POSIX builds file_handle_posix.cc"
#endif

#include <algorithm>
#include <memory>
#include <utility>

#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/executors/overlapped_pipe.h"
#include "multiproc/executors/poll_timeout.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_error.h"
#include "multiproc/executors/windows_pipe.h"

namespace multiproc {
namespace {

// The most that one call transfers.
constexpr size_t kLargestTransfer = size_t{1} << 30;

// Between two looks at a blocking pipe.
constexpr DWORD kLookInterval = 5;  // Milliseconds.

// An event of this thread, to wait with for its own reads and writes.
HANDLE ThreadsEvent() {
  struct Event {
    ~Event() { CloseHandle(handle); }
    const HANDLE handle = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  };
  static thread_local const Event event;
  return event.handle;
}

// ReadFile or WriteFile, to its end. A handle of a pipe may be overlapped,
// which can't be asked: an OVERLAPPED suits both kinds. With a file it would
// set the position.
template <typename Call>
DWORD TransferToItsEnd(HANDLE handle, Call call, DWORD* size) {
  if (GetFileType(handle) != FILE_TYPE_PIPE) {
    return call(size, nullptr) != 0 ? ERROR_SUCCESS : GetLastError();
  }
  OVERLAPPED overlapped = {};
  overlapped.hEvent = ThreadsEvent();
  if (overlapped.hEvent == nullptr) return ERROR_NO_SYSTEM_RESOURCES;
  if (call(nullptr, &overlapped) == 0 && GetLastError() != ERROR_IO_PENDING) {
    return GetLastError();
  }
  return GetOverlappedResult(handle, &overlapped, size, TRUE) != 0
             ? ERROR_SUCCESS
             : GetLastError();
}

bool PipeHasBytesOrEnd(HANDLE handle) {
  DWORD available = 0;
  return PeekNamedPipe(handle, nullptr, 0, nullptr, &available, nullptr) == 0 ||
         available > 0;
}

// A blocking pipe can't be waited for.
bool WaitForBytes(HANDLE handle, absl::Time deadline) {
  while (!PipeHasBytesOrEnd(handle)) {
    const absl::Duration left = deadline - MonotonicNow();
    if (left <= absl::ZeroDuration()) return false;
    Sleep(std::min(static_cast<DWORD>(PollTimeout(left)), kLookInterval));
  }
  return true;
}

}  // namespace

// Windows has two values that stand for no handle.
ScopedFileHandle::ScopedFileHandle(FileHandle handle)
    : handle_(IsValidHandle(handle) ? handle : kInvalidFileHandle) {}

// Its number may be another's, once somebody has closed it.
FileHandle ScopedFileHandle::release() {
  OverlappedPipe::Remove(handle_);
  return std::exchange(handle_, kInvalidFileHandle);
}

void ScopedFileHandle::reset() {
  if (!is_valid()) return;
  OverlappedPipe::Remove(handle_);
  CloseHandle(std::exchange(handle_, kInvalidFileHandle));
}

absl::StatusOr<size_t> ReadSome(FileHandle handle, char* buffer, size_t size) {
  if (const auto pipe = OverlappedPipe::Find(handle); pipe != nullptr) {
    return pipe->Read(buffer, size);
  }
  const DWORD wanted = static_cast<DWORD>(std::min(size, kLargestTransfer));
  while (true) {
    DWORD done = 0;
    const DWORD error = TransferToItsEnd(
        handle,
        [=](DWORD* count, OVERLAPPED* overlapped) {
          return ReadFile(handle, buffer, wanted, count, overlapped);
        },
        &done);
    if (error == ERROR_BROKEN_PIPE || error == ERROR_HANDLE_EOF) return 0;
    if (error != ERROR_SUCCESS) return WindowsError("read", "", error);
    // A write of no bytes ends a read of a pipe, and is no end.
    if (done > 0 || wanted == 0 || GetFileType(handle) != FILE_TYPE_PIPE) {
      return done;
    }
  }
}

absl::StatusOr<size_t> WriteSome(FileHandle handle, absl::string_view bytes) {
  if (const auto pipe = OverlappedPipe::Find(handle); pipe != nullptr) {
    return pipe->Write(bytes);
  }
  // Not even to a pipe: its reader would take it for something.
  if (bytes.empty()) return 0;
  const DWORD wanted =
      static_cast<DWORD>(std::min(bytes.size(), kLargestTransfer));
  DWORD done = 0;
  const DWORD error = TransferToItsEnd(
      handle,
      [=](DWORD* count, OVERLAPPED* overlapped) {
        return WriteFile(handle, bytes.data(), wanted, count, overlapped);
      },
      &done);
  if (error != ERROR_SUCCESS) return WindowsWriteError(error);
  return done;
}

absl::Status WriteAll(FileHandle handle, absl::string_view bytes) {
  while (!bytes.empty()) {
    const absl::StatusOr<size_t> written = WriteSome(handle, bytes);
    if (!written.ok()) return written.status();
    bytes.remove_prefix(*written);
  }
  return absl::OkStatus();
}

void EnlargePipe(FileHandle, size_t) {}

// Windows writes one buffer at a time: small pieces are copied into one.
absl::StatusOr<size_t> WriteSome(FileHandle handle,
                                 absl::Span<const absl::string_view> pieces) {
  constexpr size_t kGathered = 65536;
  if (pieces.empty()) return 0;
  if (pieces.size() == 1 || pieces.front().size() >= kGathered) {
    return WriteSome(handle, pieces.front());
  }
  std::string gathered;
  for (const absl::string_view piece : pieces) {
    const size_t room = kGathered - gathered.size();
    gathered.append(piece.data(), std::min(piece.size(), room));
  }
  return WriteSome(handle, gathered);
}

absl::StatusOr<size_t> WriteSomeQuietly(FileHandle handle,
                                        absl::string_view bytes) {
  return WriteSome(handle, bytes);
}

absl::StatusOr<size_t> WriteSomeQuietly(
    FileHandle handle, absl::Span<const absl::string_view> pieces) {
  return WriteSome(handle, pieces);
}

bool WaitReadable(FileHandle handle, absl::Duration timeout) {
  if (const auto pipe = OverlappedPipe::Find(handle); pipe != nullptr) {
    return pipe->WaitReadable(timeout);
  }
  const absl::Time deadline = MonotonicNow() + timeout;
  const DWORD type = GetFileType(handle);
  if (type == FILE_TYPE_PIPE) return WaitForBytes(handle, deadline);
  if (type == FILE_TYPE_DISK) return true;
  while (true) {
    const DWORD milliseconds =
        static_cast<DWORD>(PollTimeout(deadline - MonotonicNow()));
    // Also where the handle can't be waited for: whoever reads gets the error.
    if (WaitForSingleObject(handle, milliseconds) != WAIT_TIMEOUT) return true;
    if (MonotonicNow() >= deadline) return false;
  }
}

absl::StatusOr<Pipe> Pipe::Create(NonBlocking ends) {
  WindowsPipeOptions options;
  options.non_blocking_read_end =
      ends == NonBlocking::kReadEnd || ends == NonBlocking::kBoth;
  options.non_blocking_write_end =
      ends == NonBlocking::kWriteEnd || ends == NonBlocking::kBoth;
  return MakeWindowsPipe(options);
}

}  // namespace multiproc
