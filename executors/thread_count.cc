#include "multiproc/executors/thread_count.h"

#include <sys/stat.h>

#include "absl/base/config.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/library_thread.h"

namespace multiproc {
namespace {

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
// The link count of a folder is 2 more than its subfolders, of which this one
// has one for each thread; 0 where /proc is not mounted.
int CountThreads() {
  struct stat info;
  if (stat("/proc/self/task", &info) != 0) return 0;
  return static_cast<int>(info.st_nlink) - 2;
}
#else
int CountThreads() { return 0; }
#endif

#ifdef ABSL_HAVE_THREAD_SANITIZER
constexpr int kSanitizerThreads = 1;
#else
constexpr int kSanitizerThreads = 0;
#endif

// One thread is the caller's, or the program's main thread where one of ours
// calls.
int CountOnce() {
  return CountThreads() - LibraryThread::Count() - 1 - kSanitizerThreads;
}

}  // namespace

int CountForeignThreads() {
  int count = CountOnce();
  for (int i = 0; i < 50 && count > 0; ++i) {
    absl::SleepFor(absl::Milliseconds(1));
    count = CountOnce();
  }
  return count > 0 ? count : 0;
}

}  // namespace multiproc
