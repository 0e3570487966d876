#include "multiproc/executors/handle_table.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace multiproc {
namespace {

// Never destroyed: handles are closed by destructors of statics, too.
struct Table {
  std::mutex mutex;
  std::vector<bool> owned;  // By descriptor.
};

Table& GetTable() {
  static Table* const table = new Table;
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
  for (size_t i = 0; i < owned.size(); ++i) {
    const int fd = static_cast<int>(i);
    if (!owned[i] || std::find(kept.begin(), kept.end(), fd) != kept.end()) {
      continue;
    }
    close(fd);
    owned[i] = false;
  }
}

}  // namespace multiproc
