#ifdef _WIN32
#error "Windows builds current_process_win.cc"
#endif

#include <unistd.h>

#include "multiproc/executors/current_process.h"

namespace multiproc {

int64_t CurrentPid() { return getpid(); }

}  // namespace multiproc
