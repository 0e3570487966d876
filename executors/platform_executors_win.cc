#ifndef _WIN32
#error "POSIX builds platform_executors_posix.cc"
#endif

#include "multiproc/executors/platform_executors.h"
#include "multiproc/executors/windows_executor.h"

namespace multiproc {

const absl::string_view kPlatformDefault = "windows";

std::vector<std::unique_ptr<Executor>> MakePlatformExecutors() {
  std::vector<std::unique_ptr<Executor>> executors;
  executors.push_back(std::make_unique<WindowsExecutor>());
  return executors;
}

}  // namespace multiproc
