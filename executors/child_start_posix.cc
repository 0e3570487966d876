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
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "multiproc/executors/child_failure.h"
#include "multiproc/executors/child_limits.h"
#include "multiproc/executors/child_start.h"
#include "multiproc/executors/close_from.h"
#include "multiproc/executors/function_child.h"
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
  std::optional<ChildStart> start;
  if (bytes.ok()) start = ParseChildStart(*bytes);
  if (!start.has_value()) {
    DieOfBadStart("the descriptor that it names holds no call");
  }
  return *std::move(start);
}

// No program that the function starts in turn gets `fd`.
void KeepForMyself(int fd) {
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
    DieOfBadStart("descriptors that it goes with are not open");
  }
}

std::vector<FileHandle> TakeHandles(const ChildStart& start) {
  std::vector<FileHandle> handles;
  for (uint32_t i = 0; i < start.num_handles(); ++i) {
    const int fd = kFirstInheritedHandle + static_cast<int>(i);
    KeepForMyself(fd);
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

ChildLimits LimitsOf(const ChildStart& start) {
  ChildLimits limits;
  if (start.limits().size() != sizeof(limits)) {
    DieOfBadStart("its limits are those of another program");
  }
  std::memcpy(static_cast<void*>(&limits), start.limits().data(),
              sizeof(limits));
  return limits;
}

void Apply(const ChildLimits& limits, int failure_pipe) {
  const std::optional<ChildFailure> failure = limits.Apply();
  if (failure.has_value()) ReportAndExit(failure_pipe, *failure);
  ReportLimitsSet(failure_pipe);
}

// Sets the limits, and runs what this program was started in the place of: with
// the descriptors that it is to have, and without what static initialisers of
// this program have done to signals, as far as any backend undoes that: none is
// blocked, and SIGPIPE and SIGXFSZ are not ignored. (Handlers are gone by
// exec.) From the limits on only system calls are made: there may be no memory.
[[noreturn]] void RunProgram(ProgramStart& program, const ChildLimits& limits,
                             int failure_pipe) {
  const std::vector<char*> arguments = Pointers(program.mutable_arguments());
  const std::vector<char*> environment =
      Pointers(program.mutable_environment());
  CloseFrom(failure_pipe + 1, OpenDescriptorsFrom(failure_pipe + 1));
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  Apply(limits, failure_pipe);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(program.path().c_str(), arguments.data(), environment.data());
  ReportAndExit(failure_pipe, {ChildStep::kExec, errno});
}

// Sets them, and runs the program if that is what they are for.
void TakeLimits(ChildStart& start) {
  const int failure_pipe = static_cast<int>(start.failure_pipe());
  KeepForMyself(failure_pipe);
  const ScopedFileHandle owner(failure_pipe);
  const ChildLimits limits = LimitsOf(start);
  if (start.has_program()) {
    RunProgram(*start.mutable_program(), limits, failure_pipe);
  }
  Apply(limits, failure_pipe);
}

}  // namespace

ChildStart TakeChildStart(std::vector<FileHandle>* handles) {
  ChildStart start = ReadChildStart();
  if (!start.limits().empty()) TakeLimits(start);
  *handles = TakeHandles(start);
  unsetenv(kChildVariable);
  return start;
}

}  // namespace multiproc
