// This process's stdout and stderr below stdio, for what the library itself
// writes there.
//
//   const ScopedFileHandle output =
//   CopyOfStream(WorkerOutput::Stream::kStdout); WriteWhole(output.get(),
//   marker);
//
// Thread-safe.

#ifndef MULTIPROC_POOL_STANDARD_STREAM_H_
#define MULTIPROC_POOL_STANDARD_STREAM_H_

#include "absl/strings/string_view.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/pool/worker_output.h"

namespace multiproc {

// The stream as it is now; invalid if it is closed.
FileHandle StandardStream(WorkerOutput::Stream stream);

// Another handle of the same, which no child inherits: what becomes of the
// stream later is nothing to it. Invalid if there is none.
ScopedFileHandle CopyOfStream(WorkerOutput::Stream stream);

// Writes all of `bytes`, and waits for room where somebody has made the stream
// non-blocking, which concerns all its handles (fcntl(2), O_NONBLOCK is of the
// open file description). Gives up, without SIGPIPE, if nobody reads any more,
// or for another error: there is nobody to tell.
void WriteWhole(FileHandle handle, absl::string_view bytes);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_STANDARD_STREAM_H_
