#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>  // NOLINT(build/c++11)

#include "absl/base/config.h"
#include "tests/process_state.h"

namespace multiproc {
namespace {

int CountEntries(const std::string& folder) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder, error);
  return error ? 0
               : static_cast<int>(std::distance(
                     entries, std::filesystem::directory_iterator()));
}

}  // namespace

std::vector<int64_t> ChildPids() {
  std::vector<int64_t> pids;
  std::error_code error;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(task.path() / "children");
    for (int64_t pid = 0; file >> pid;) pids.push_back(pid);
  }
  return pids;
}

const int ProcessState::kMoreThreads = 0;
const int ProcessState::kMoreOtherHandles = 0;

ProcessState ProcessState::Now() {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  // With the first thread of a program comes one of the sanitizer's, to stay.
  std::thread([] {}).join();
#endif
  ProcessState state;
  state.descriptors = CountEntries("/proc/self/fd");
  state.threads = CountEntries("/proc/self/task");
  state.children = static_cast<int>(ChildPids().size());
  return state;
}

}  // namespace multiproc
