#ifndef _WIN32
#error "POSIX builds shared_memory_posix.cc"
#endif

#include <cstdint>

#include "multiproc/executors/shared_memory.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_error.h"

namespace multiproc {

absl::StatusOr<SharedMemory> SharedMemory::Create(size_t size) {
  SharedMemory memory;
  memory.handle_ = ScopedFileHandle(
      CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE,
                         static_cast<DWORD>(uint64_t{size} >> 32),
                         static_cast<DWORD>(size), nullptr));
  if (!memory.handle_.is_valid()) {
    return WindowsError("CreateFileMapping", "", GetLastError());
  }
  memory.size_ = size;
  absl::Status status = memory.Map();
  if (!status.ok()) return status;
  return memory;
}

absl::StatusOr<SharedMemory> SharedMemory::Open(ScopedFileHandle handle,
                                                size_t size) {
  SharedMemory memory;
  memory.handle_ = std::move(handle);
  memory.size_ = size;
  absl::Status status = memory.Map();
  if (!status.ok()) return status;
  memory.CloseHandle();
  return memory;
}

absl::Status SharedMemory::Map() {
  data_ = static_cast<char*>(MapViewOfFile(
      handle_.get(), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, size_));
  if (data_ != nullptr) return absl::OkStatus();
  return WindowsError("MapViewOfFile", "", GetLastError());
}

void SharedMemory::Unmap() {
  if (data_ != nullptr) UnmapViewOfFile(data_);
}

}  // namespace multiproc
