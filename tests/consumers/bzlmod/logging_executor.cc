#include "logging_executor.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "multiproc/executors/default_executor.h"

namespace {

std::mutex mutex;
std::vector<std::string>* const started = new std::vector<std::string>;

#ifdef _WIN32
constexpr char kPlatformBackend[] = "windows";
#else
constexpr char kPlatformBackend[] = "posix_spawn";
#endif

// Starts children as the platform's own backend does, and keeps a record.
class LoggingExecutor : public multiproc::Executor {
 public:
  absl::string_view name() const override { return "logging"; }

  absl::StatusOr<multiproc::Process> Spawn(
      const multiproc::Command& command) override {
    absl::StatusOr<multiproc::Executor*> platform =
        multiproc::ExecutorByName(kPlatformBackend);
    if (!platform.ok()) return platform.status();
    absl::StatusOr<multiproc::Process> process = (*platform)->Spawn(command);
    if (process.ok()) {
      const std::lock_guard<std::mutex> lock(mutex);
      started->push_back(multiproc::Describe(command));
    }
    return process;
  }
};

const bool registered =
    multiproc::RegisterExecutor(std::make_unique<LoggingExecutor>());

}  // namespace

std::vector<std::string> StartedChildren() {
  const std::lock_guard<std::mutex> lock(mutex);
  return *started;
}
