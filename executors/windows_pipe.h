// Makes pipes of which an end can be non-blocking, or watched. Windows only.
//
//   WindowsPipeOptions options;
//   options.non_blocking_read_end = true;
//   absl::StatusOr<Pipe> pipe = MakeWindowsPipe(options);
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_PIPE_H_
#define MULTIPROC_EXECUTORS_WINDOWS_PIPE_H_

#include "absl/status/statusor.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

struct WindowsPipeOptions {
  // Which ends are overlapped, and known to OverlappedPipe::Find.
  bool non_blocking_read_end = false;
  bool non_blocking_write_end = false;
  // The write end is overlapped without being non-blocking: a thread can wait
  // on it for the reader to go, while another writes. ReadSome and WriteSome
  // know how.
  bool watchable_write_end = false;
};

// Without options a plain pipe. Otherwise a named one, of which nobody else can
// get an end: its name can't be guessed, it has one instance, which is the
// first of that name, and it is for clients on this machine that run as the
// same user (CreateNamedPipeW, "Named Pipe Security and Access Rights").
// Anonymous pipes can't be overlapped.
absl::StatusOr<Pipe> MakeWindowsPipe(const WindowsPipeOptions& options);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_PIPE_H_
