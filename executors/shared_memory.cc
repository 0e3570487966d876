#include "multiproc/executors/shared_memory.h"

namespace multiproc {

absl::StatusOr<SharedMemory> SharedMemory::Create(size_t size) {
  absl::StatusOr<ScopedFileHandle> handle = MakeHandle(size);
  if (!handle.ok()) return handle.status();
  return MapHandle(*std::move(handle), size);
}

absl::StatusOr<SharedMemory> SharedMemory::Open(ScopedFileHandle handle,
                                                size_t size) {
  absl::StatusOr<SharedMemory> memory = MapHandle(std::move(handle), size);
  if (memory.ok()) memory->CloseHandle();
  return memory;
}

absl::StatusOr<SharedMemory> SharedMemory::MapHandle(ScopedFileHandle handle,
                                                     size_t size) {
  SharedMemory memory;
  memory.handle_ = std::move(handle);
  memory.size_ = size;
  absl::Status status = memory.Map();
  if (!status.ok()) return status;
  return memory;
}

}  // namespace multiproc
