// This process. Thread-safe.

#ifndef MULTIPROC_EXECUTORS_CURRENT_PROCESS_H_
#define MULTIPROC_EXECUTORS_CURRENT_PROCESS_H_

#include <cstdint>

namespace multiproc {

// The id of this process: getpid(2), GetCurrentProcessId on Windows; what
// Process::pid says of it in its parent.
int64_t CurrentPid();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CURRENT_PROCESS_H_
