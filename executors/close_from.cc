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
bool CloseAtOnce(int first, unsigned int last) {
  constexpr int kCloseRange = 436;
  return syscall(kCloseRange, first, last, 0) == 0;
}
#else
bool CloseAtOnce(int, unsigned int) { return false; }
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
  if (CloseAtOnce(first, ~0U)) return;
  for (const int fd : listed) close(fd);
}

void CloseRange(int first, int end) {
  if (first < end - 1 && CloseAtOnce(first, static_cast<unsigned>(end - 1))) {
    return;
  }
  for (int fd = first; fd < end; ++fd) close(fd);
}

}  // namespace multiproc
