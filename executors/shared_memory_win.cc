#ifndef _WIN32
#error "POSIX builds shared_memory_posix.cc"
#endif

#include <cstdint>

#include "multiproc/executors/shared_memory.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_error.h"

namespace multiproc {

absl::StatusOr<ScopedFileHandle> SharedMemory::MakeHandle(size_t size) {
  ScopedFileHandle section(
      CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE,
                         static_cast<DWORD>(uint64_t{size} >> 32),
                         static_cast<DWORD>(size), nullptr));
  if (section.is_valid()) return section;
  return WindowsError("CreateFileMapping", "", GetLastError());
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
