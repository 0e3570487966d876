#ifndef _WIN32
#error "POSIX builds standard_stream_posix.cc"
#endif

#include "multiproc/executors/windows_api.h"
#include "multiproc/pool/standard_stream.h"

namespace multiproc {

FileHandle StandardStream(WorkerOutput::Stream stream) {
  return GetStdHandle(stream == WorkerOutput::Stream::kStdout
                          ? STD_OUTPUT_HANDLE
                          : STD_ERROR_HANDLE);
}

ScopedFileHandle CopyOfStream(WorkerOutput::Stream stream) {
  const FileHandle handle = StandardStream(stream);
  HANDLE copy = nullptr;
  if (!IsValidHandle(handle) ||
      DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy,
                      0, FALSE, DUPLICATE_SAME_ACCESS) == 0) {
    return ScopedFileHandle();
  }
  return ScopedFileHandle(copy);
}

// No write to a blocking handle says that there is no room.
void WriteWhole(FileHandle handle, absl::string_view bytes) {
  if (IsValidHandle(handle)) WriteAll(handle, bytes).IgnoreError();
}

}  // namespace multiproc
