// The worker's side of captured output (output_splitter.h has the other): marks
// in stdout and stderr where each task begins and ends.
//
//   OutputMarker marker(config.output_nonce());
//   marker.Begin(task_id);
//   ...                      // the task prints
//   marker.End();
//
// Without a nonce, which is without a capture, it does nothing. To be used by
// one thread at a time.

#ifndef MULTIPROC_POOL_OUTPUT_MARKER_H_
#define MULTIPROC_POOL_OUTPUT_MARKER_H_

#include <cstdint>
#include <string>

#include "multiproc/executors/file_handle.h"

namespace multiproc {

class OutputMarker {
 public:
  // Keeps copies of the streams as they are now: a task may lead its own
  // elsewhere, where no markers belong.
  explicit OutputMarker(std::string nonce);

  // What is printed from here on is of task `task_id`; what was printed
  // before is flushed.
  void Begin(uint64_t task_id) {
    if (!nonce_.empty()) Mark(task_id);
  }
  // It is of no task.
  void End() {
    if (!nonce_.empty()) Mark(0);
  }

 private:
  void Mark(uint64_t task_id);

  const std::string nonce_;
  ScopedFileHandle output_;
  ScopedFileHandle error_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_OUTPUT_MARKER_H_
