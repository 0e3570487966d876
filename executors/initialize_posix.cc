#ifdef _WIN32
#error "Windows builds initialize_win.cc"
#endif

#include <fcntl.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "multiproc/executors/function_child.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/this_program.h"

namespace multiproc {
namespace {

std::atomic<bool> initialized{false};

constexpr int kFirstInheritedHandle = 3;

// A child that can't read its call must not go on as if it were the program
// that the user started.
[[noreturn]] void Die(const char* why) {
  std::fprintf(stderr,
               "multiproc: %s=%s in the environment, but %s; unset it to run "
               "this program by itself\n",
               kChildVariable, std::getenv(kChildVariable), why);
  std::exit(1);
}

ChildStart ReadChildStart() {
  int fd = -1;
  if (!absl::SimpleAtoi(std::getenv(kChildVariable), &fd) || fd < 0 ||
      fcntl(fd, F_GETFD) < 0) {
    Die("it names no open descriptor");
  }
  const ScopedFileHandle file(fd);
  const absl::StatusOr<std::string> bytes = ReadToEnd(fd);
  ChildStart start;
  if (!bytes.ok() || !start.ParseFromString(*bytes) ||
      start.call().function().empty()) {
    Die("the descriptor that it names holds no call");
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

void Initialize(int* argc, char*** argv) {
  if (argc != nullptr && argv != nullptr && *argc > 0) {
    ThisProgram::SetName((*argv)[0]);
  }
  initialized = true;
  if (std::getenv(kChildVariable) == nullptr) return;
  const ChildStart start = ReadChildStart();
  unsetenv(kChildVariable);
  // exit, not _exit: this is a whole program, whose streams and static objects
  // are its own.
  std::exit(RunFunctionInChild(start.call(), TakeHandles(start)));
}

absl::Status CheckInitialized() {
  if (initialized) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "Initialize() was not called: write multiproc::Initialize(&argc, &argv); "
      "as the first line of main, or link @multiproc//tests:gtest_main for "
      "tests");
}

}  // namespace multiproc
