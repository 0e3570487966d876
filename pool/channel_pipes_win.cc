#ifndef _WIN32
#error "POSIX builds channel_pipes_posix.cc"
#endif

#include <utility>

#include "multiproc/executors/overlapped_pipe.h"
#include "multiproc/pool/channel_pipes.h"

namespace multiproc {

absl::StatusOr<ChannelPipes> ChannelPipes::Create() {
  WindowsPipeOptions request_options;
  request_options.non_blocking_write_end = true;
  absl::StatusOr<Pipe> requests = MakeWindowsPipe(request_options);
  if (!requests.ok()) return requests.status();
  WindowsPipeOptions response_options;
  response_options.non_blocking_read_end = true;
  response_options.watchable_write_end = true;
  absl::StatusOr<Pipe> responses = MakeWindowsPipe(response_options);
  if (!responses.ok()) return responses.status();
  ChannelPipes pipes;
  pipes.parent_out = std::move(requests->write_end);
  pipes.worker_in = std::move(requests->read_end);
  pipes.parent_in = std::move(responses->read_end);
  pipes.worker_out = std::move(responses->write_end);
  return pipes;
}

}  // namespace multiproc
