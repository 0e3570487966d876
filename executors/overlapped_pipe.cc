#include "multiproc/executors/overlapped_pipe.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
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
    ends_[handle] = std::move(end);
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
  // Makes it ready to be started anew.
  OVERLAPPED* Reset() {
    overlapped = OVERLAPPED();
    return &overlapped;
  }

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
  if (end == nullptr) return;
  // Whoever still holds it finds that it does nothing any more.
  end->Cancel(*end->read_);
  end->Cancel(*end->write_);
  end->read_error_ = end->write_error_ = ERROR_INVALID_HANDLE;
}

OverlappedPipe::OverlappedPipe(FileHandle handle)
    : handle_(handle),
      read_(std::make_unique<Operation>()),
      write_(std::make_unique<Operation>()),
      read_size_(kSmallestRead) {}

OverlappedPipe::~OverlappedPipe() {
  Cancel(*read_);
  Cancel(*write_);
}

void OverlappedPipe::Cancel(Operation& operation) {
  if (!std::exchange(operation.under_way, false)) return;
  CancelIoEx(handle_, &operation.overlapped);
  DWORD size = 0;
  // It has ended, one way or the other: the buffer is ours again.
  GetOverlappedResult(handle_, &operation.overlapped, &size, TRUE);
}

void OverlappedPipe::StartRead() {
  read_->buffer.resize(read_size_);
  if (ReadFile(handle_, read_->buffer.data(),
               static_cast<DWORD>(read_->buffer.size()), nullptr,
               read_->Reset()) != 0) {
    DWORD size = 0;
    const BOOL ok =
        GetOverlappedResult(handle_, &read_->overlapped, &size, FALSE);
    FinishRead(ok != 0, size);
  } else if (GetLastError() == ERROR_IO_PENDING) {
    read_->under_way = true;
  } else {
    FinishRead(false, 0);
  }
}

void OverlappedPipe::FinishRead(bool ok, uint32_t size) {
  if (!ok) {
    // A thread that started a read and ended has it cancelled: not the end.
    const DWORD error = GetLastError();
    if (error != ERROR_OPERATION_ABORTED) read_error_ = error;
    return;
  }
  read_begin_ = 0;
  read_end_ = size;
  read_size_ = size == read_size_
                   ? std::min(read_size_ * 4, kLargestRead)
                   : std::max<size_t>(read_size_ / 2, kSmallestRead);
}

void OverlappedPipe::PollRead() {
  if (!HasOverlappedIoCompleted(&read_->overlapped)) return;
  read_->under_way = false;
  DWORD size = 0;
  const BOOL ok =
      GetOverlappedResult(handle_, &read_->overlapped, &size, FALSE);
  FinishRead(ok != 0, size);
}

bool OverlappedPipe::IsReadable() {
  if (read_begin_ < read_end_ || read_error_ != 0) return true;
  if (read_->under_way) PollRead();
  // Not in a loop: somebody could write nothing, again and again, which on
  // Windows ends a read.
  if (!read_->under_way && read_begin_ == read_end_ && read_error_ == 0) {
    StartRead();
  }
  return !read_->under_way;
}

absl::StatusOr<size_t> OverlappedPipe::Read(char* buffer, size_t size) {
  if (!IsReadable()) return absl::UnavailableError("");
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

void OverlappedPipe::PollWrite() {
  if (!HasOverlappedIoCompleted(&write_->overlapped)) return;
  write_->under_way = false;
  DWORD size = 0;
  // A pipe of bytes takes all, or fails.
  if (GetOverlappedResult(handle_, &write_->overlapped, &size, FALSE) == 0) {
    write_error_ = GetLastError();
  }
  if (write_->buffer.size() > kSmallestRead)
    std::vector<char>().swap(write_->buffer);
}

bool OverlappedPipe::IsWritable() {
  if (write_->under_way) PollWrite();
  return !write_->under_way;
}

absl::StatusOr<size_t> OverlappedPipe::Write(absl::string_view bytes) {
  if (!IsWritable()) return absl::UnavailableError("");
  if (write_error_ == 0 && !bytes.empty()) {
    bytes = bytes.substr(0, kLargestWrite);
    write_->buffer.assign(bytes.begin(), bytes.end());
    if (WriteFile(handle_, write_->buffer.data(),
                  static_cast<DWORD>(bytes.size()), nullptr,
                  write_->Reset()) == 0) {
      write_->under_way = GetLastError() == ERROR_IO_PENDING;
      if (!write_->under_way) write_error_ = GetLastError();
    }
  }
  if (write_error_ == 0) return bytes.size();
  absl::Status status = WindowsError("write", "", write_error_);
  if (!absl::IsAborted(status)) return status;
  return absl::AbortedError("write: the other end of the pipe is closed");
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

absl::Status OverlappedPipe::Bind(void* port) {
  if (port_ == port) return absl::OkStatus();
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
