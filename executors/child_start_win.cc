#ifndef _WIN32
#error "POSIX builds child_start_posix.cc"
#endif

#include <signal.h>
#include <stdlib.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/child_start.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/function_child.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/library_thread.h"
#include "multiproc/executors/windows_api.h"

namespace multiproc {
namespace {

HANDLE ToHandle(uint64_t number) {
  return reinterpret_cast<HANDLE>(static_cast<uintptr_t>(number));
}

// The section of memory begins with the length of what follows.
ChildStart ReadChildStart() {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(std::getenv(kChildVariable), &number)) {
    DieOfBadStart("it names no handle");
  }
  const ScopedFileHandle section(ToHandle(number));
  const void* const view = MapViewOfFile(section.get(), FILE_MAP_READ, 0, 0, 0);
  if (view == nullptr) DieOfBadStart("it names no section of memory");
  uint64_t size = 0;
  std::memcpy(&size, view, sizeof(size));
  // Of another section, which may say anything: what is mapped ends there.
  MEMORY_BASIC_INFORMATION mapped = {};
  VirtualQuery(view, &mapped, sizeof(mapped));
  std::optional<ChildStart> start;
  if (size <= mapped.RegionSize && sizeof(size) <= mapped.RegionSize - size) {
    start = ParseChildStart(
        absl::string_view(static_cast<const char*>(view) + sizeof(size), size));
  }
  UnmapViewOfFile(view);
  if (!start.has_value() || start->call().function().empty()) {
    DieOfBadStart("the section that it names holds no call");
  }
  return *std::move(start);
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
    return;
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

ChildStart TakeChildStart(std::vector<FileHandle>* handles) {
  ChildStart start = ReadChildStart();
  // Of the C runtime's environment and of Windows's.
  _putenv_s(kChildVariable, "");
  *handles = TakeHandles(start);
  ListenForTerminate(ToHandle(start.windows_terminate_event()));
  return start;
}

}  // namespace multiproc
