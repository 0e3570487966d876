#include "multiproc/executors/overlapped_pipe.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/executors/poll_timeout.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_error.h"

namespace multiproc {
namespace {

// A read grows with what comes: a thousand idle workers take little memory, and
// a great answer few calls.
constexpr size_t kSmallestRead = 4096;
constexpr size_t kLargestRead = size_t{256} << 10;
constexpr size_t kLargestWrite = size_t{256} << 10;

class Registry {
 public:
  // Never destroyed: handles are closed by destructors of statics, too.
  static Registry& Get() {
    static Registry* const registry = new Registry;
    return *registry;
  }

  std::shared_ptr<OverlappedPipe> Find(FileHandle handle) {
    absl::MutexLock lock(&mutex_);
    const auto found = ends_.find(handle);
    return found == ends_.end() ? nullptr : found->second;
  }

  void Add(FileHandle handle) {
    auto end = std::make_shared<OverlappedPipe>(handle);
    absl::MutexLock lock(&mutex_);
    // An old one of that number, if it was not removed, ends after the lock.
    ends_[handle].swap(end);
  }

  std::shared_ptr<OverlappedPipe> Remove(FileHandle handle) {
    absl::MutexLock lock(&mutex_);
    const auto found = ends_.find(handle);
    if (found == ends_.end()) return nullptr;
    std::shared_ptr<OverlappedPipe> end = std::move(found->second);
    ends_.erase(found);
    return end;
  }

 private:
  absl::Mutex mutex_;
  std::map<FileHandle, std::shared_ptr<OverlappedPipe>> ends_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace

struct OverlappedPipe::Operation {
  // Makes it ready to be started anew, with `size` bytes of room, and little
  // more.
  OVERLAPPED* Reset(size_t size) {
    if (buffer.capacity() > 2 * size) std::vector<char>().swap(buffer);
    buffer.resize(size);
    overlapped = OVERLAPPED();
    return &overlapped;
  }

  bool HasEnded() const { return HasOverlappedIoCompleted(&overlapped); }

  OVERLAPPED overlapped = {};
  bool under_way = false;
  std::vector<char> buffer;
};

std::shared_ptr<OverlappedPipe> OverlappedPipe::Find(FileHandle handle) {
  return Registry::Get().Find(handle);
}

void OverlappedPipe::Add(FileHandle handle) { Registry::Get().Add(handle); }

void OverlappedPipe::Remove(FileHandle handle) {
  const std::shared_ptr<OverlappedPipe> end = Registry::Get().Remove(handle);
  if (end != nullptr) end->Close();
}

OverlappedPipe::OverlappedPipe(FileHandle handle)
    : handle_(handle),
      read_(std::make_unique<Operation>()),
      write_(std::make_unique<Operation>()),
      read_size_(kSmallestRead) {}

OverlappedPipe::~OverlappedPipe() { Close(); }

// Whoever still holds it finds that it does nothing any more.
void OverlappedPipe::Close() {
  absl::MutexLock lock(&mutex_);
  Cancel(*read_);
  Cancel(*write_);
  read_begin_ = read_end_ = 0;
  read_error_ = write_error_ = ERROR_INVALID_HANDLE;
}

void OverlappedPipe::Cancel(Operation& operation) {
  if (!std::exchange(operation.under_way, false)) return;
  CancelIoEx(handle_, &operation.overlapped);
  DWORD size = 0;
  GetOverlappedResult(handle_, &operation.overlapped, &size, TRUE);
}

// ---- Reading ----

void OverlappedPipe::StartRead() {
  OVERLAPPED* const overlapped = read_->Reset(read_size_);
  if (ReadFile(handle_, read_->buffer.data(), static_cast<DWORD>(read_size_),
               nullptr, overlapped) != 0) {
    TakeRead();
    return;
  }
  const DWORD error = GetLastError();
  read_->under_way = error == ERROR_IO_PENDING;
  if (!read_->under_way) read_error_ = error;
}

void OverlappedPipe::TakeRead() {
  DWORD size = 0;
  if (GetOverlappedResult(handle_, &read_->overlapped, &size, FALSE) == 0) {
    const DWORD error = GetLastError();
    // Of a read that was cancelled, as that of a thread that has ended is: not
    // the end.
    if (error != ERROR_OPERATION_ABORTED) read_error_ = error;
    return;
  }
  read_begin_ = 0;
  read_end_ = size;
  read_size_ = size == read_size_
                   ? std::min(read_size_ * 4, kLargestRead)
                   : std::max<size_t>(read_size_ / 2, kSmallestRead);
}

bool OverlappedPipe::IsReadableLocked() {
  if (read_begin_ < read_end_ || read_error_ != 0) return true;
  if (read_->under_way && read_->HasEnded()) {
    read_->under_way = false;
    TakeRead();
  }
  // Not in a loop: somebody could write nothing, again and again, which on
  // Windows ends a read.
  if (!read_->under_way && read_begin_ == read_end_ && read_error_ == 0) {
    StartRead();
  }
  return !read_->under_way;
}

bool OverlappedPipe::IsReadable() {
  absl::MutexLock lock(&mutex_);
  return IsReadableLocked();
}

absl::StatusOr<size_t> OverlappedPipe::Read(char* buffer, size_t size) {
  absl::MutexLock lock(&mutex_);
  if (!IsReadableLocked()) return absl::UnavailableError("");
  if (read_begin_ < read_end_) {
    const size_t taken = std::min(size, read_end_ - read_begin_);
    std::memcpy(buffer, read_->buffer.data() + read_begin_, taken);
    read_begin_ += taken;
    return taken;
  }
  if (read_error_ == ERROR_BROKEN_PIPE) return size_t{0};
  if (read_error_ != 0) return WindowsError("read", "", read_error_);
  return absl::UnavailableError("");
}

bool OverlappedPipe::WaitReadable(absl::Duration timeout) {
  const absl::Time deadline = MonotonicNow() + timeout;
  while (!IsReadable()) {
    // Without an event of its own, the handle is signaled by the end of the
    // read, which is all that goes on on a read end.
    WaitForSingleObject(
        handle_, static_cast<DWORD>(PollTimeout(deadline - MonotonicNow())));
    if (!IsReadable() && MonotonicNow() >= deadline) return false;
  }
  return true;
}

// ---- Writing ----

bool OverlappedPipe::IsWritableLocked() {
  if (!write_->under_way) return true;
  if (!write_->HasEnded()) return false;
  write_->under_way = false;
  DWORD size = 0;
  // A pipe of bytes takes all, or fails.
  if (GetOverlappedResult(handle_, &write_->overlapped, &size, FALSE) == 0) {
    write_error_ = GetLastError();
  }
  return true;
}

bool OverlappedPipe::IsWritable() {
  absl::MutexLock lock(&mutex_);
  return IsWritableLocked();
}

void OverlappedPipe::StartWrite(absl::string_view bytes) {
  OVERLAPPED* const overlapped = write_->Reset(bytes.size());
  std::memcpy(write_->buffer.data(), bytes.data(), bytes.size());
  if (WriteFile(handle_, write_->buffer.data(),
                static_cast<DWORD>(bytes.size()), nullptr, overlapped) != 0) {
    return;
  }
  const DWORD error = GetLastError();
  write_->under_way = error == ERROR_IO_PENDING;
  if (!write_->under_way) write_error_ = error;
}

absl::StatusOr<size_t> OverlappedPipe::Write(absl::string_view bytes) {
  absl::MutexLock lock(&mutex_);
  if (!IsWritableLocked()) return absl::UnavailableError("");
  bytes = bytes.substr(0, kLargestWrite);
  if (write_error_ == 0 && !bytes.empty()) StartWrite(bytes);
  if (write_error_ == 0) return bytes.size();
  return WindowsWriteError(write_error_);
}

// ---- The completion port ----

// A read that is under way would be posted nowhere.
void OverlappedPipe::StopRead() {
  if (!read_->under_way) return;
  Cancel(*read_);
  TakeRead();
}

absl::Status OverlappedPipe::Bind(void* port) {
  absl::MutexLock lock(&mutex_);
  if (port_ == port) return absl::OkStatus();
  StopRead();
  if (CreateIoCompletionPort(
          handle_, port, reinterpret_cast<ULONG_PTR>(handle_), 0) == nullptr) {
    return WindowsError("CreateIoCompletionPort", "", GetLastError());
  }
  // What ends at once is known at once.
  if (SetFileCompletionNotificationModes(
          handle_, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) == 0) {
    return WindowsError("SetFileCompletionNotificationModes", "",
                        GetLastError());
  }
  port_ = port;
  return absl::OkStatus();
}

}  // namespace multiproc
