#include "multiproc/executors/thread_count.h"

#include <sys/stat.h>

#include <algorithm>

#include "absl/base/config.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/library_thread.h"

namespace multiproc {
namespace {

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
// The link count of a folder is 2 more than its subfolders, of which this one
// has one for each thread.
std::optional<int> CountThreads() {
  struct stat info;
  if (stat("/proc/self/task", &info) != 0) return std::nullopt;
  return static_cast<int>(info.st_nlink) - 2;
}
#else
std::optional<int> CountThreads() { return std::nullopt; }
#endif

#ifdef ABSL_HAVE_THREAD_SANITIZER
constexpr int kSanitizerThreads = 1;
#else
constexpr int kSanitizerThreads = 0;
#endif

// One thread is the caller's, or the program's main thread where one of ours
// calls.
std::optional<int> CountOnce() {
  const std::optional<int> all = CountThreads();
  if (!all.has_value()) return std::nullopt;
  return std::max(0, *all - LibraryThread::Count() - 1 - kSanitizerThreads);
}

}  // namespace

std::optional<int> CountForeignThreads() {
  std::optional<int> count = CountOnce();
  for (int i = 0; i < 50 && count.value_or(0) > 0; ++i) {
    absl::SleepFor(absl::Milliseconds(1));
    count = CountOnce();
  }
  return count;
}

}  // namespace multiproc
