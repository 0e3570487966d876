#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "tests/test_os.h"

namespace multiproc {

const char kPathSeparator = ':';
const char kNotFoundError[] = "[errno 2]";
const char kBadHandleError[] = "[errno 9]";
const size_t kGreatArgumentSize = 100000;

// ---- The end of this process ----

void DieBySignal(int signal) {
  raise(signal);
  _exit(98);  // It was blocked, ignored or handled.
}

void ExitAtOnce(uint32_t code) { _exit(static_cast<int>(code)); }

void PauseForEver() {
  while (true) pause();
}

ExitStatus EndOfTerminatedProgram() { return ExitStatus::Signaled(SIGTERM); }

bool HasConsole() { return true; }

// ---- Other processes ----

absl::Status KillPid(int64_t pid) {
  if (kill(static_cast<pid_t>(pid), SIGKILL) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("kill ", pid));
}

bool IsAlive(int64_t pid) { return kill(static_cast<pid_t>(pid), 0) == 0; }

// ---- Handles ----

FileHandle StandardInput() { return STDIN_FILENO; }

FileHandle OpenPlainHandle() { return open("/dev/null", O_RDONLY); }

void MakeInheritable(FileHandle handle) { fcntl(handle, F_SETFD, 0); }

bool IsOpen(FileHandle handle) { return fcntl(handle, F_GETFD) >= 0; }

bool IsInheritable(FileHandle handle) {
  return (fcntl(handle, F_GETFD) & FD_CLOEXEC) == 0;
}

void CloseHandleOf(FileHandle handle) { close(handle); }

ScopedFileHandle Duplicate(FileHandle handle) {
  return ScopedFileHandle(fcntl(handle, F_DUPFD_CLOEXEC, 0));
}

FileHandle UnopenedHandle() { return 987; }

std::string NumberOf(FileHandle handle) { return absl::StrCat(handle); }

// ---- Streams and files ----

void CloseStandardStreams() {
  for (int fd = 0; fd < 3; ++fd) close(fd);
}

void AppendLine(const std::string& path, absl::string_view line) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  WriteAll(fd, absl::StrCat(line, "\n")).IgnoreError();
  close(fd);
}

// ---- The environment ----

void ScopedVariable::Set(const std::string& name,
                         const std::optional<std::string>& value) {
  if (value.has_value()) {
    setenv(name.c_str(), value->c_str(), 1);
  } else {
    unsetenv(name.c_str());
  }
}

// ---- A rendezvous ----

std::string MakeFifo(const std::string& folder, int number) {
  std::string path = absl::StrCat(folder, "/", getpid(), "_", number, "fifo");
  return mkfifo(path.c_str(), 0600) == 0 ? path : "";
}

std::string ReadFifo(const std::string& path) {
  const ScopedFileHandle fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return *ReadToEnd(fd.get());
}

void WriteFifo(const std::string& path, absl::string_view text) {
  const int fd = open(path.c_str(), O_WRONLY);
  WriteAll(fd, text).IgnoreError();
  close(fd);
}

}  // namespace multiproc
