#include "tests/process_state.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>  // NOLINT(build/c++11)

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace multiproc {
namespace {

int CountEntries(const std::string& folder) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder, error);
  return error ? 0
               : static_cast<int>(std::distance(
                     entries, std::filesystem::directory_iterator()));
}

int CountChildren() {
  int count = 0;
  std::error_code error;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(task.path() / "children");
    std::string pid;
    while (file >> pid) ++count;
  }
  return count;
}

}  // namespace

ProcessState ProcessState::Now() {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  // With the first thread of a program comes one of the sanitizer's, to stay.
  std::thread([] {}).join();
#endif
  ProcessState state;
  state.descriptors = CountEntries("/proc/self/fd");
  state.threads = CountEntries("/proc/self/task");
  state.children = CountChildren();
  return state;
}

std::string ProcessState::ToString() const {
  return absl::StrCat(descriptors, " descriptors, ", threads, " threads, ",
                      children, " children");
}

std::string LeftBehindSince(const ProcessState& before) {
  ProcessState now = ProcessState::Now();
  const auto is_more = [&] {
    return now.descriptors > before.descriptors ||
           now.threads > before.threads || now.children > before.children;
  };
  for (int i = 0; i < 500 && is_more(); ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    now = ProcessState::Now();
  }
  if (!is_more()) return "";
  return absl::StrCat(now.ToString(), "; before: ", before.ToString());
}

}  // namespace multiproc
