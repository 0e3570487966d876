#ifdef _WIN32
#error "Windows builds child_start_win.cc"
#endif

#include <fcntl.h>

#include <cstdlib>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "multiproc/executors/child_start.h"
#include "multiproc/executors/initialize.h"

namespace multiproc {
namespace {

constexpr int kFirstInheritedHandle = 3;

ChildStart ReadChildStart() {
  int fd = -1;
  if (!absl::SimpleAtoi(std::getenv(kChildVariable), &fd) || fd < 0 ||
      fcntl(fd, F_GETFD) < 0) {
    DieOfBadStart("it names no open descriptor");
  }
  const ScopedFileHandle file(fd);
  const absl::StatusOr<std::string> bytes = ReadToEnd(fd);
  ChildStart start;
  if (!bytes.ok() || !start.ParseFromString(*bytes) ||
      start.call().function().empty()) {
    DieOfBadStart("the descriptor that it names holds no call");
  }
  return start;
}

// The programs that the function starts in turn get none of them.
std::vector<FileHandle> TakeHandles(const ChildStart& start) {
  std::vector<FileHandle> handles;
  for (uint32_t i = 0; i < start.num_handles(); ++i) {
    const int fd = kFirstInheritedHandle + static_cast<int>(i);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    handles.push_back(fd);
  }
  return handles;
}

}  // namespace

ChildStart TakeChildStart(std::vector<FileHandle>* handles) {
  ChildStart start = ReadChildStart();
  unsetenv(kChildVariable);
  *handles = TakeHandles(start);
  return start;
}

}  // namespace multiproc
