#include "multiproc/pool/channel_pipes.h"

#include <utility>

namespace multiproc {

absl::StatusOr<ChannelPipes> ChannelPipes::Create() {
  absl::StatusOr<Pipe> requests = Pipe::Create(Pipe::NonBlocking::kWriteEnd);
  if (!requests.ok()) return requests.status();
  absl::StatusOr<Pipe> responses = MakeResponsePipe();
  if (!responses.ok()) return responses.status();
  ChannelPipes pipes;
  pipes.parent_out = std::move(requests->write_end);
  pipes.worker_in = std::move(requests->read_end);
  pipes.parent_in = std::move(responses->read_end);
  pipes.worker_out = std::move(responses->write_end);
  return pipes;
}

}  // namespace multiproc
