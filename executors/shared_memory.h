// Memory that this process shares with one child.
//
//   absl::StatusOr<SharedMemory> memory = SharedMemory::Create(4096);
//   command.inherited_handles = {memory->handle()};
//   ... Spawn ...
//   memory->CloseHandle();                        // the memory stays
//
//   // In the child:
//   absl::StatusOr<SharedMemory> memory =
//       SharedMemory::Open(ScopedFileHandle(InheritedHandles()[0]), 4096);
//
// It is all zero at first. The child may write anything to it at any time, and
// die in the midst of it: what is read there must be checked.
//
// Thread-safety: as a plain value; what is in it is for std::atomic.

#ifndef MULTIPROC_EXECUTORS_SHARED_MEMORY_H_
#define MULTIPROC_EXECUTORS_SHARED_MEMORY_H_

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

class SharedMemory {
 public:
  SharedMemory() = default;
  // Unmaps it.
  ~SharedMemory() { Unmap(); }
  SharedMemory(SharedMemory&& other) noexcept { *this = std::move(other); }
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  // `size` bytes, of which only those take memory that are written to. A child
  // that is forked does not have it unless it opens it.
  // RESOURCE_EXHAUSTED and others, if the system has no more of it.
  static absl::StatusOr<SharedMemory> Create(size_t size);

  // What Create made, in the child. `handle` is closed.
  static absl::StatusOr<SharedMemory> Open(ScopedFileHandle handle,
                                           size_t size);

  // For Command::inherited_handles, until CloseHandle.
  FileHandle handle() const { return handle_.get(); }
  void CloseHandle() { handle_.reset(); }

  // The bytes, at the beginning of a page.
  char* data() const { return data_; }

 private:
  // What CloseHandle will close, unmapped.
  static absl::StatusOr<ScopedFileHandle> MakeHandle(size_t size);
  static absl::StatusOr<SharedMemory> MapHandle(ScopedFileHandle handle,
                                                size_t size);
  absl::Status Map();
  void Unmap();

  ScopedFileHandle handle_;
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_SHARED_MEMORY_H_
