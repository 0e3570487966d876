#ifdef _WIN32
#error "Windows builds channel_pipes_win.cc"
#endif

#include "multiproc/pool/channel_pipes.h"

namespace multiproc {

absl::StatusOr<Pipe> ChannelPipes::MakeResponsePipe() {
  return Pipe::Create(Pipe::NonBlocking::kReadEnd);
}

}  // namespace multiproc
