#include "multiproc/executors/handle_table.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "absl/base/no_destructor.h"
#include "multiproc/executors/close_from.h"

namespace multiproc {
namespace {

struct Table {
  std::mutex mutex;
  std::vector<bool> owned;  // By descriptor.
};

// Never destroyed: handles are closed by destructors of statics, too.
Table& GetTable() {
  static absl::NoDestructor<Table> table;
  return *table;
}

}  // namespace

HandleTable::Lock::Lock() : lock_(GetTable().mutex) {}

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
HandleTable::ExecLock::ExecLock() = default;
#else
HandleTable::ExecLock::ExecLock() { lock_.emplace(); }
#endif

void HandleTable::Add(const Lock&, int fd) {
  if (fd < 0) return;
  std::vector<bool>& owned = GetTable().owned;
  if (owned.size() <= static_cast<size_t>(fd)) owned.resize(fd + 1);
  owned[fd] = true;
}

int HandleTable::AddNew(const Lock& lock, int fd) {
  if (fd >= 0 && fd <= STDERR_FILENO) {
    const int lifted = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (lifted >= 0) {
      close(fd);
      fd = lifted;
    }
  }
  Add(lock, fd);
  return fd;
}

void HandleTable::Remove(const Lock&, int fd) {
  std::vector<bool>& owned = GetTable().owned;
  if (fd >= 0 && static_cast<size_t>(fd) < owned.size()) owned[fd] = false;
}

void HandleTable::CloseAllBut(const Lock&, const std::vector<int>& kept) {
  std::vector<bool>& owned = GetTable().owned;
  const int size = static_cast<int>(owned.size());
  // Neighbours are closed together: a parent of many children has a pidfd and
  // pipes of each.
  for (int first = 0, end = 0; first < size; first = end + 1) {
    for (end = first; end < size && owned[end]; ++end) {
      if (std::find(kept.begin(), kept.end(), end) != kept.end()) break;
      owned[end] = false;
    }
    CloseRange(first, end);
  }
}

}  // namespace multiproc
