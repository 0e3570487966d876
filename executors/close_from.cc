#include "multiproc/executors/close_from.h"

#include <dirent.h>
#include <unistd.h>

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
#include <sys/syscall.h>
#endif

#include "absl/strings/numbers.h"

namespace multiproc {
namespace {

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
// The number is the same on every architecture.
bool CloseRange(int first) {
  constexpr int kCloseRange = 436;
  return syscall(kCloseRange, first, ~0U, 0) == 0;
}
#else
bool CloseRange(int) { return false; }
#endif

}  // namespace

std::vector<int> OpenDescriptorsFrom(int first) {
  std::vector<int> descriptors;
  // A link to /proc/self/fd on Linux.
  DIR* const folder = opendir("/dev/fd");
  if (folder == nullptr) return descriptors;
  while (const dirent* entry = readdir(folder)) {
    int fd = -1;
    if (absl::SimpleAtoi(entry->d_name, &fd) && fd >= first &&
        fd != dirfd(folder)) {
      descriptors.push_back(fd);
    }
  }
  closedir(folder);
  return descriptors;
}

void CloseFrom(int first, const std::vector<int>& listed) {
  if (CloseRange(first)) return;
  for (const int fd : listed) close(fd);
}

}  // namespace multiproc
