#ifndef _WIN32
#error "POSIX builds parent_watch_posix.cc"
#endif

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/pool/parent_watch.h"

namespace multiproc {
namespace {

// Whether the handle is still open here, and nobody holds its other end. A task
// may have closed it, or what it was opened for may be something else by now.
bool OtherEndIsGone(HANDLE responses) {
  return PeekNamedPipe(responses, nullptr, 0, nullptr, nullptr, nullptr) == 0 &&
         GetLastError() == ERROR_BROKEN_PIPE;
}

// Waits until nobody holds the other end of the pipe that this process writes
// to. The parent never writes to it, so a read ends then, and not before
// (channel_pipes.h makes a pipe that allows it). False if that can't be told.
bool WaitForOtherEnd(HANDLE responses) {
  const HANDLE event = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  if (event == nullptr) return false;
  BOOL ok = TRUE;
  while (ok != 0) {
    char byte = 0;
    DWORD size = 0;
    OVERLAPPED overlapped = {};
    overlapped.hEvent = event;
    ok = ReadFile(responses, &byte, 1, nullptr, &overlapped);
    if (ok != 0 || GetLastError() == ERROR_IO_PENDING) {
      ok = GetOverlappedResult(responses, &overlapped, &size, TRUE);
    }
  }
  CloseHandle(event);
  return OtherEndIsGone(responses);
}

// Not ExitProcess, which would run what must not be run in the midst of a task.
void EndAtOnce() { TerminateProcess(GetCurrentProcess(), 1); }

}  // namespace

void ParentWatch::Run(FileHandle, FileHandle responses, Flags& flags) {
  if (!WaitForOtherEnd(responses)) return;
  flags.parent_is_gone = true;
  if (flags.busy) EndAtOnce();
  // The worker finds the end of its requests, and leaves by itself.
  absl::SleepFor(absl::Milliseconds(500));
  EndAtOnce();
}

}  // namespace multiproc
