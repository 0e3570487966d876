#ifndef _WIN32
#error "POSIX builds channel_pipes_posix.cc"
#endif

#include "multiproc/executors/windows_pipe.h"
#include "multiproc/pool/channel_pipes.h"

namespace multiproc {

absl::StatusOr<Pipe> ChannelPipes::MakeResponsePipe() {
  WindowsPipeOptions options;
  options.non_blocking_read_end = true;
  options.watchable_write_end = true;
  return MakeWindowsPipe(options);
}

}  // namespace multiproc
