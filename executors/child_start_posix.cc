#ifdef _WIN32
#error "Windows builds child_start_win.cc"
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "multiproc/executors/child_failure.h"
#include "multiproc/executors/child_limits.h"
#include "multiproc/executors/child_start.h"
#include "multiproc/executors/close_from.h"
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
      (start.call().function().empty() && !start.has_program())) {
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

std::vector<char*> Pointers(
    google::protobuf::RepeatedPtrField<std::string>* strings) {
  std::vector<char*> pointers;
  for (std::string& text : *strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Runs what this program was started in the place of: with the descriptors that
// it is to have, and no signal ignored that static initialisers of this program
// may ignore. (Handlers are gone by exec.)
[[noreturn]] void RunProgram(ProgramStart program, int failure_pipe) {
  CloseFrom(failure_pipe + 1, OpenDescriptorsFrom(failure_pipe + 1));
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  const std::vector<char*> arguments = Pointers(program.mutable_arguments());
  const std::vector<char*> environment =
      Pointers(program.mutable_environment());
  execve(program.path().c_str(), arguments.data(), environment.data());
  ReportAndExit(failure_pipe, {ChildStep::kExec, errno});
}

// Sets them, and runs the program if that is what they are for.
void TakeLimits(const ChildStart& start) {
  const int failure_pipe = static_cast<int>(start.failure_pipe());
  fcntl(failure_pipe, F_SETFD, FD_CLOEXEC);
  const ScopedFileHandle owner(failure_pipe);
  ChildLimits limits;
  if (start.limits().size() != sizeof(limits)) {
    DieOfBadStart("its limits are those of another program");
  }
  std::memcpy(static_cast<void*>(&limits), start.limits().data(),
              sizeof(limits));
  const std::optional<ChildFailure> failure = limits.Apply();
  if (failure.has_value()) ReportAndExit(failure_pipe, *failure);
  if (start.has_program()) RunProgram(start.program(), failure_pipe);
}

}  // namespace

ChildStart TakeChildStart(std::vector<FileHandle>* handles) {
  ChildStart start = ReadChildStart();
  if (!start.limits().empty()) TakeLimits(start);
  unsetenv(kChildVariable);
  *handles = TakeHandles(start);
  return start;
}

}  // namespace multiproc
