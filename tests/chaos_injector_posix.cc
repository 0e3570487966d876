// Before any header: its inline versions would be these functions, too.
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "tests/chaos_injector.h"
#include "tests/process_state.h"

namespace multiproc {
namespace {

bool HasOpen(int64_t pid, const std::string& name) {
  std::error_code error;
  std::filesystem::directory_iterator entry(absl::StrCat("/proc/", pid, "/fd"),
                                            error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    // It may have been closed meanwhile, by which nothing is lost.
    std::error_code closed;
    if (std::filesystem::read_symlink(entry->path(), closed) == name) {
      return true;
    }
  }
  return false;
}

bool SendToChild(int64_t pid, int signal) {
  if (pid <= 0) return false;
  siginfo_t info = {};
  // Its number can't be another's, unless it is collected right after this.
  if (waitid(P_PID, static_cast<id_t>(pid), &info,
             WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid != 0) {
    return false;
  }
  return kill(static_cast<pid_t>(pid), signal) == 0;
}

}  // namespace

namespace chaos_internal {

bool KillChild(int64_t pid) { return SendToChild(pid, SIGKILL); }
bool TerminateChild(int64_t pid) { return SendToChild(pid, SIGTERM); }

int64_t ChildAtOtherEnd(FileHandle pipe) {
  struct stat file = {};
  if (fstat(pipe, &file) != 0) return 0;
  const std::string name = absl::StrCat("pipe:[", file.st_ino, "]");
  for (const int64_t pid : ChildPids()) {
    if (HasOpen(pid, name)) return pid;
  }
  return 0;
}

const bool kCanStop = true;

void StopThisProcess() { raise(SIGSTOP); }

}  // namespace chaos_internal
}  // namespace multiproc

#ifdef __linux__

// ---- The system's functions, for all of this program ----

namespace {

bool IsPipe(int fd) {
  struct stat file = {};
  const int error = errno;
  const bool is_pipe = fstat(fd, &file) == 0 && S_ISFIFO(file.st_mode);
  errno = error;
  return is_pipe;
}

// `call` is given how many of `size` bytes it may read or write.
template <typename Call>
ssize_t Transfer(int fd, size_t size, Call call) {
  if (!IsPipe(fd)) return call(size);
  const ssize_t done = call(multiproc::chaos_internal::GrantBytes(size));
  const int error = errno;
  if (done > 0) {
    multiproc::chaos_internal::CountBytes(static_cast<size_t>(done), fd);
  }
  errno = error;
  return done;
}

}  // namespace

extern "C" ssize_t read(int fd, void* buffer, size_t size) {
  return Transfer(fd, size, [=](size_t part) {
    return static_cast<ssize_t>(syscall(SYS_read, fd, buffer, part));
  });
}

extern "C" ssize_t write(int fd, const void* bytes, size_t size) {
  return Transfer(fd, size, [=](size_t part) {
    return static_cast<ssize_t>(syscall(SYS_write, fd, bytes, part));
  });
}

#ifdef SYS_pwritev2
// Of one part, as file_handle_posix.cc calls it.
extern "C" ssize_t pwritev2(int fd, const struct iovec* parts, int count,
                            off_t offset, int flags) {
  return Transfer(fd, parts->iov_len, [=](size_t size) {
    const struct iovec part = {parts->iov_base, size};
    return static_cast<ssize_t>(
        syscall(SYS_pwritev2, fd, &part, count, offset, 0, flags));
  });
}
#endif

#endif  // __linux__
