#ifndef _WIN32
#error "POSIX builds stop_handlers_posix.cc"
#endif

#include <signal.h>

#include <atomic>
#include <cstdint>

#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/stop_handlers.h"
#include "multiproc/executors/windows_api.h"

namespace multiproc {
namespace {

using Handler = decltype(SIG_DFL);

Handler terminate_before = SIG_DFL;

std::atomic<FileHandle> wake_handle{kInvalidFileHandle};
// 0 before the first signal.
std::atomic<uint64_t> stopping_since{0};
// The console is: a handler does not return.
std::atomic<bool> closing{false};

// Of the same Ctrl-C; in milliseconds.
constexpr uint64_t kSameMilliseconds = 250;

// Whether it is the first one.
bool Tell(int signal) {
  uint64_t none = 0;
  if (!stopping_since.compare_exchange_strong(none, GetTickCount64())) {
    return false;
  }
  const char byte = static_cast<char>(signal);
  DWORD written = 0;
  WriteFile(wake_handle.load(), &byte, 1, &written, nullptr);
  return true;
}

// For these two events the system ends the program as soon as this returns, or
// after some seconds (HandlerRoutine, "Remarks").
BOOL OnClose() {
  closing = true;
  Tell(SIGTERM);
  Sleep(INFINITE);
  return TRUE;
}

// The system calls it on a thread of its own. Another user's logoff reaches
// services, and is none of theirs.
BOOL WINAPI OnConsoleEvent(DWORD event) {
  switch (event) {
    case CTRL_C_EVENT:
      return Tell(SIGINT) ||
             GetTickCount64() - stopping_since < kSameMilliseconds;
    case CTRL_BREAK_EVENT:
      Tell(SIGBREAK);
      return TRUE;
    case CTRL_CLOSE_EVENT:
    case CTRL_SHUTDOWN_EVENT:
      return OnClose();
    default:
      return FALSE;
  }
}

// Terminate of the Process (child_start_win.cc) calls it.
void OnTerminate(int) { Tell(SIGTERM); }

}  // namespace

void InstallStopHandlers(FileHandle wake) {
  wake_handle = wake;
  stopping_since = 0;
  SetConsoleCtrlHandler(OnConsoleEvent, TRUE);
  terminate_before = signal(SIGTERM, OnTerminate);
  if (terminate_before == SIG_IGN) signal(SIGTERM, SIG_IGN);
}

// While a handler runs it may not be taken back: that would wait for it.
void RestoreStopHandlers() {
  if (!closing) SetConsoleCtrlHandler(OnConsoleEvent, FALSE);
  signal(SIGTERM, terminate_before);
}

// A console program that Ctrl-C or Ctrl-Break ends has the code
// STATUS_CONTROL_C_EXIT.
void EndBySignal(int signal) {
  constexpr UINT kControlCExit = 0xC000013A;
  TerminateProcess(GetCurrentProcess(),
                   signal == SIGTERM ? ExitStatus::WindowsCodeOfSignal(SIGTERM)
                                     : kControlCExit);
  for (;;) Sleep(INFINITE);
}

}  // namespace multiproc
