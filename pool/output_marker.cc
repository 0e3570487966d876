#include "multiproc/pool/output_marker.h"

#include <iostream>
#include <utility>

#include "multiproc/executors/flush_streams.h"
#include "multiproc/pool/output_splitter.h"
#include "multiproc/pool/standard_stream.h"
#include "multiproc/pool/worker_output.h"

namespace multiproc {

OutputMarker::OutputMarker(std::string nonce) : nonce_(std::move(nonce)) {
  if (nonce_.empty()) return;
  output_ = CopyOfStream(WorkerOutput::Stream::kStdout);
  error_ = CopyOfStream(WorkerOutput::Stream::kStderr);
}

void OutputMarker::Mark(uint64_t task_id) {
  // They may have buffers of their own (std::ios_base::sync_with_stdio).
  std::cout.flush();
  std::clog.flush();
  FlushStandardStreams();
  const std::string marker = MakeOutputMarker(nonce_, task_id);
  WriteWhole(output_.get(), marker);
  WriteWhole(error_.get(), marker);
}

}  // namespace multiproc
