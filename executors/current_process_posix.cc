#ifdef _WIN32
#error "Windows builds current_process_win.cc"
#endif

#ifdef __APPLE__
#include <pthread.h>
#endif
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

#include "multiproc/executors/current_process.h"
#include "multiproc/executors/parent_process.h"

namespace multiproc {

int64_t CurrentPid() { return getpid(); }

int64_t AskParentPid() { return getppid(); }

bool ParentIsAlive() { return AskParentPid() == ParentPid(); }

void ShowProcessName(const std::string& name) {
#if defined(__linux__)
  prctl(PR_SET_NAME, name.c_str(), 0, 0, 0);
#elif defined(__APPLE__)
  pthread_setname_np(name.c_str());
#else
  (void)name;
#endif
}

}  // namespace multiproc
