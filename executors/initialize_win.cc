#ifndef _WIN32
#error "POSIX builds initialize_posix.cc"
#endif

#include <signal.h>
#include <stdlib.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/function_child.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/library_thread.h"
#include "multiproc/executors/this_program.h"
#include "multiproc/executors/windows_api.h"

namespace multiproc {
namespace {

std::atomic<bool> initialized{false};

// A child that can't read its call must not go on as if it were the program
// that the user started.
[[noreturn]] void Die(const char* why) {
  std::fprintf(stderr,
               "multiproc: %s=%s in the environment, but %s; unset it to run "
               "this program by itself\n",
               kChildVariable, std::getenv(kChildVariable), why);
  std::exit(1);
}

HANDLE ToHandle(uint64_t number) {
  return reinterpret_cast<HANDLE>(static_cast<uintptr_t>(number));
}

// The section of memory begins with the length of what follows.
ChildStart ReadChildStart() {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(std::getenv(kChildVariable), &number)) {
    Die("it names no handle");
  }
  const ScopedFileHandle section(ToHandle(number));
  const void* const view = MapViewOfFile(section.get(), FILE_MAP_READ, 0, 0, 0);
  if (view == nullptr) Die("it names no section of memory");
  uint64_t size = 0;
  std::memcpy(&size, view, sizeof(size));
  ChildStart start;
  const bool parsed =
      size <= INT32_MAX &&
      start.ParseFromArray(static_cast<const char*>(view) + sizeof(size),
                           static_cast<int>(size));
  UnmapViewOfFile(view);
  if (!parsed || start.call().function().empty()) {
    Die("the section that it names holds no call");
  }
  return start;
}

// The programs that the function starts in turn get none of them.
std::vector<FileHandle> TakeHandles(const ChildStart& start) {
  std::vector<FileHandle> handles;
  for (const uint64_t number : start.windows_handles()) {
    SetHandleInformation(ToHandle(number), HANDLE_FLAG_INHERIT, 0);
    handles.push_back(ToHandle(number));
  }
  return handles;
}

// The handler of SIGTERM that the program has set by signal(). (The C runtime
// knows SIGTERM, and nobody ever sends it.) There is no other way to ask for it
// in every C runtime.
auto TerminateHandler() {
  const auto handler = signal(SIGTERM, SIG_IGN);
  signal(SIGTERM, handler);
  return handler;
}

// What SIGTERM does on POSIX. The handler is called here and not by raise(),
// which would forget it.
void HandleTerminate() {
  const auto handler = TerminateHandler();
  if (handler == SIG_IGN) return;
  if (handler == SIG_DFL || handler == SIG_ERR) {
    TerminateProcess(GetCurrentProcess(),
                     ExitStatus::WindowsCodeOfSignal(SIGTERM));
  }
  handler(SIGTERM);
}

// If no thread can be had, Terminate does nothing here, and Kill is left.
void ListenForTerminate(HANDLE event) {
  if (event == nullptr) return;
  SetHandleInformation(event, HANDLE_FLAG_INHERIT, 0);
  LibraryThread::StartDetached([event] {
    while (WaitForSingleObject(event, INFINITE) == WAIT_OBJECT_0) {
      ResetEvent(event);
      HandleTerminate();
    }
  }).IgnoreError();
}

}  // namespace

void Initialize(int* argc, char*** argv) {
  if (argc != nullptr && argv != nullptr && *argc > 0) {
    ThisProgram::SetName((*argv)[0]);
  }
  initialized = true;
  if (std::getenv(kChildVariable) == nullptr) return;
  const ChildStart start = ReadChildStart();
  // Of the C runtime's environment and of Windows's.
  _putenv_s(kChildVariable, "");
  std::vector<FileHandle> handles = TakeHandles(start);
  ListenForTerminate(ToHandle(start.windows_terminate_event()));
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
