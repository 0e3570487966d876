#ifdef _WIN32
#error "Windows builds platform_executors_win.cc"
#endif

#include "multiproc/executors/fork_executor.h"
#include "multiproc/executors/platform_executors.h"
#include "multiproc/executors/posix_spawn_executor.h"

namespace multiproc {

const absl::string_view kPlatformDefault = "posix_spawn";

std::vector<std::unique_ptr<Executor>> MakePlatformExecutors() {
  std::vector<std::unique_ptr<Executor>> executors;
  executors.push_back(std::make_unique<ForkExecutor>());
  executors.push_back(std::make_unique<PosixSpawnExecutor>());
  return executors;
}

}  // namespace multiproc
