#ifdef _WIN32
#error "Windows builds standard_stream_win.cc"
#endif

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/pool/standard_stream.h"

namespace multiproc {

FileHandle StandardStream(WorkerOutput::Stream stream) {
  return stream == WorkerOutput::Stream::kStdout ? STDOUT_FILENO
                                                 : STDERR_FILENO;
}

ScopedFileHandle CopyOfStream(WorkerOutput::Stream stream) {
  // Above the standard ones, of which another may be closed.
  return ScopedFileHandle(fcntl(StandardStream(stream), F_DUPFD_CLOEXEC, 3));
}

void WriteWhole(FileHandle handle, absl::string_view bytes) {
  while (!bytes.empty()) {
    const absl::StatusOr<size_t> written = WriteSomeQuietly(handle, bytes);
    if (written.ok()) {
      bytes.remove_prefix(*written);
    } else if (absl::IsUnavailable(written.status())) {
      struct pollfd entry = {handle, POLLOUT, 0};
      poll(&entry, 1, -1);
    } else {
      return;
    }
  }
}

}  // namespace multiproc
