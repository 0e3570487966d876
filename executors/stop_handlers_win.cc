#include <signal.h>

#include <atomic>

#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/stop_handlers.h"
#include "multiproc/executors/windows_api.h"

namespace multiproc {
namespace {

using Handler = decltype(SIG_DFL);

Handler terminate_before = SIG_DFL;

std::atomic<FileHandle> wake_handle{kInvalidFileHandle};
std::atomic<bool> stopping{false};

// Whether it is the first one.
bool Tell(int signal) {
  if (stopping.exchange(true)) return false;
  const char byte = static_cast<char>(signal);
  DWORD written = 0;
  WriteFile(wake_handle.load(), &byte, 1, &written, nullptr);
  return true;
}

int SignalOf(DWORD event) {
  if (event == CTRL_C_EVENT) return SIGINT;
  return event == CTRL_BREAK_EVENT ? SIGBREAK : SIGTERM;
}

// The system calls it on a thread of its own. (SetConsoleCtrlHandler, "Remarks"
// of HandlerRoutine: for the later events it ends the program as soon as a
// handler returns, or after some seconds.)
BOOL WINAPI OnConsoleEvent(DWORD event) {
  const bool is_first = Tell(SignalOf(event));
  if (event == CTRL_C_EVENT) return is_first;
  if (event == CTRL_BREAK_EVENT) return TRUE;
  Sleep(INFINITE);
  return TRUE;
}

// Terminate of the Process (child_start_win.cc) calls it.
void OnTerminate(int) { Tell(SIGTERM); }

}  // namespace

void InstallStopHandlers(FileHandle wake) {
  wake_handle = wake;
  stopping = false;
  SetConsoleCtrlHandler(OnConsoleEvent, TRUE);
  terminate_before = signal(SIGTERM, OnTerminate);
  if (terminate_before == SIG_IGN) signal(SIGTERM, SIG_IGN);
}

void RestoreStopHandlers() {
  SetConsoleCtrlHandler(OnConsoleEvent, FALSE);
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
