// What current_process.cc asks the system.

#ifndef MULTIPROC_EXECUTORS_PARENT_PROCESS_H_
#define MULTIPROC_EXECUTORS_PARENT_PROCESS_H_

#include <cstdint>

namespace multiproc {

// The id of this process's parent as the system knows it now.
int64_t AskParentPid();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_PARENT_PROCESS_H_
