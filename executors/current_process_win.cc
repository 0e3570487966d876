#ifndef _WIN32
#error "POSIX builds current_process_posix.cc"
#endif

#include "multiproc/executors/current_process.h"
#include "multiproc/executors/windows_api.h"

namespace multiproc {

int64_t CurrentPid() { return GetCurrentProcessId(); }

}  // namespace multiproc
