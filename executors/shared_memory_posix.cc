#ifdef _WIN32
#error "Windows builds shared_memory_win.cc"
#endif

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "multiproc/executors/anonymous_file.h"
#include "multiproc/executors/posix_error.h"
#include "multiproc/executors/shared_memory.h"

namespace multiproc {
namespace {

// Another process that has the file could cut it short, and whoever then reads
// his mapping dies of SIGBUS: fcntl(2), File Sealing. A file on disk has no
// seals.
void SealSize(FileHandle file) {
#ifdef F_ADD_SEALS
  fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
#else
  (void)file;
#endif
}

}  // namespace

absl::StatusOr<ScopedFileHandle> SharedMemory::MakeHandle(size_t size) {
  absl::StatusOr<ScopedFileHandle> file = MakeAnonymousFile("");
  if (!file.ok()) return file;
  if (ftruncate(file->get(), static_cast<off_t>(size)) != 0) {
    return PosixError("ftruncate", "", errno);
  }
  SealSize(file->get());
  return file;
}

absl::Status SharedMemory::Map() {
  void* const data = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED,
                          handle_.get(), 0);
  if (data == MAP_FAILED) return PosixError("mmap", "", errno);
  data_ = static_cast<char*>(data);
#ifdef MADV_DONTFORK
  // A child that is forked for another purpose is not to have it, too.
  madvise(data, size_, MADV_DONTFORK);
#endif
  return absl::OkStatus();
}

void SharedMemory::Unmap() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace multiproc
