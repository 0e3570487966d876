// The two pipes of a worker's channel, as the parent makes them.
//
//   absl::StatusOr<ChannelPipes> pipes = ChannelPipes::Create();
//   command.inherited_handles = {pipes->worker_in.get(),
//                                pipes->worker_out.get()};
//
// The parent's ends never block. The worker's do, and parent_watch.h can tell
// by them that the parent is gone: on Windows that takes another pipe for the
// responses than Pipe::Create makes.

#ifndef MULTIPROC_POOL_CHANNEL_PIPES_H_
#define MULTIPROC_POOL_CHANNEL_PIPES_H_

#include "absl/status/statusor.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

struct ChannelPipes {
  // RESOURCE_EXHAUSTED and others, if the system has no more of them.
  static absl::StatusOr<ChannelPipes> Create();

  // Requests: from parent_out to worker_in.
  ScopedFileHandle parent_out;
  ScopedFileHandle worker_in;
  // Responses: from worker_out to parent_in.
  ScopedFileHandle parent_in;
  ScopedFileHandle worker_out;

 private:
  static absl::StatusOr<Pipe> MakeResponsePipe();
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_CHANNEL_PIPES_H_
