#include "multiproc/executors/initialize.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "multiproc/executors/child_start.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/function_child.h"
#include "multiproc/executors/this_program.h"

namespace multiproc {
namespace {

std::atomic<bool> initialized{false};

// Windows has both separators.
std::string FileName(const std::string& path) {
#ifdef _WIN32
  return path.substr(path.find_last_of("/\\") + 1);
#else
  return path.substr(path.rfind('/') + 1);
#endif
}

}  // namespace

void DieOfBadStart(const char* why) {
  std::fprintf(stderr,
               "multiproc: %s=%s in the environment, but %s; unset it to run "
               "this program by itself\n",
               kChildVariable, std::getenv(kChildVariable), why);
  std::exit(1);
}

void Initialize(int* argc, char*** argv) {
  if (argc != nullptr && argv != nullptr && *argc > 0) {
    ThisProgram::SetName((*argv)[0]);
    SetCurrentProcess(FileName((*argv)[0]), ParentPid());
  }
  initialized = true;
  // Makes the list, so that no forked child has to.
  InheritedHandles();
  if (std::getenv(kChildVariable) == nullptr) return;
  // The environment is that of whoever started the program, who could run
  // anything with its privileges by such a call.
  if (ThisProgram::HasPrivilegesOfItsOwn()) {
    DieOfBadStart("this program has more privileges than who started it");
  }
  std::vector<FileHandle> handles;
  const ChildStart start = TakeChildStart(&handles);
  TakeIdentity(start);
  // exit, not _exit: this is a whole program, whose streams and static objects
  // are its own.
  std::exit(RunFunctionInChild(start.call(), std::move(handles)));
}

absl::Status CheckInitialized() {
  if (initialized) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "Initialize() was not called: write multiproc::Initialize(&argc, &argv); "
      "as the first line of main, or link @multiproc//tests:gtest_main for "
      "tests");
}

}  // namespace multiproc
