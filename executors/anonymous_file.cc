#include "multiproc/executors/anonymous_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/handle_table.h"
#include "multiproc/executors/posix_error.h"

namespace multiproc {
namespace {

#if defined(MFD_CLOEXEC) && !defined(MULTIPROC_PORTABLE_POSIX)
int OpenInMemory() {
  return memfd_create("multiproc", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}
#else
int OpenInMemory() { return -1; }
#endif

int OpenOnDisk() {
  const char* folder = getenv("TMPDIR");
  std::string path =
      absl::StrCat(folder == nullptr ? "/tmp" : folder, "/multiproc-XXXXXX");
  const int fd = mkstemp(path.data());
  if (fd < 0) return -1;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  unlink(path.c_str());
  return fd;
}

// Leaves the file's position at its beginning.
absl::Status WriteFromBeginning(int fd, absl::string_view contents) {
  size_t size = 0;
  while (size < contents.size()) {
    const ssize_t written =
        pwrite(fd, contents.data() + size, contents.size() - size,
               static_cast<off_t>(size));
    if (written >= 0) {
      size += static_cast<size_t>(written);
    } else if (errno != EINTR) {
      return PosixError("write", "", errno);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ScopedFileHandle> MakeAnonymousFile(absl::string_view contents) {
  ScopedFileHandle file;
  {
    const HandleTable::Lock lock;
    int fd = OpenInMemory();
    if (fd < 0) fd = OpenOnDisk();
    if (fd < 0) return PosixError("mkstemp in TMPDIR", "", errno);
    file = ScopedFileHandle::Adopt(HandleTable::AddNew(lock, fd));
  }
  absl::Status status = WriteFromBeginning(file.get(), contents);
  if (!status.ok()) return status;
  return file;
}

}  // namespace multiproc
