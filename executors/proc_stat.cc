#include "multiproc/executors/proc_stat.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/posix_error.h"

namespace multiproc {
namespace {

bool IsGone(int error) { return error == ENOENT || error == ESRCH; }

// hidepid=1 shows others' folders, and lets nobody into them.
bool IsHidden(int error) { return error == EACCES || error == EPERM; }

// "7 (a name) S 1 ..." where the name may hold anything.
std::optional<ProcStat> Parse(absl::string_view text) {
  const size_t end_of_name = text.rfind(") ");
  if (end_of_name == text.npos) return std::nullopt;
  // From the third field on, which is the state.
  const std::vector<absl::string_view> fields =
      absl::StrSplit(text.substr(end_of_name + 2), ' ');
  constexpr size_t kStart = 22 - 3;
  ProcStat stat;
  if (fields.size() <= kStart || fields[0].size() != 1 ||
      !absl::SimpleAtoi(fields[1], &stat.parent) ||
      !absl::SimpleAtoi(fields[kStart], &stat.start)) {
    return std::nullopt;
  }
  stat.state = fields[0][0];
  return stat;
}

}  // namespace

absl::StatusOr<std::optional<ProcStat>> ReadProcStat(
    const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/stat");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (IsGone(errno) || IsHidden(errno)) return std::nullopt;
    return PosixError("open", path, errno);
  }
  char buffer[1024];
  const ssize_t size = read(fd, buffer, sizeof(buffer));
  const int error = errno;
  close(fd);
  if (size < 0 && !IsGone(error)) return PosixError("read", path, error);
  if (size <= 0) return std::nullopt;
  const std::optional<ProcStat> stat =
      Parse(absl::string_view(buffer, static_cast<size_t>(size)));
  if (stat.has_value()) return stat;
  return absl::InternalError(absl::StrCat(path, " is not as proc(5) has it"));
}

absl::StatusOr<std::vector<int>> ListNumbers(const std::string& folder) {
  std::vector<int> numbers;
  DIR* const entries = opendir(folder.c_str());
  if (entries == nullptr) {
    if (IsGone(errno)) return numbers;
    return PosixError("opendir", folder, errno);
  }
  errno = 0;
  while (const dirent* const entry = readdir(entries)) {
    int number = 0;
    if (absl::SimpleAtoi(entry->d_name, &number)) numbers.push_back(number);
    errno = 0;
  }
  const int error = errno;
  closedir(entries);
  if (error != 0 && !IsGone(error)) return PosixError("readdir", folder, error);
  return numbers;
}

absl::Status CheckProc() {
  char self[32];
  const ssize_t size = readlink("/proc/self", self, sizeof(self));
  int pid = 0;
  if (size > 0 &&
      absl::SimpleAtoi(absl::string_view(self, static_cast<size_t>(size)),
                       &pid) &&
      pid == getpid()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "what a process has started can't be found: /proc is not there, or is "
      "that of another PID namespace");
}

}  // namespace multiproc
