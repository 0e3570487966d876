#include "multiproc/executors/windows_api.h"
#include "multiproc/pool/worker_signals.h"

namespace multiproc {
namespace {

// For the events after Ctrl-Break the system would end the process as soon as
// this returns (HandlerRoutine, "Remarks").
BOOL WINAPI OnConsoleEvent(DWORD event) {
  if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) Sleep(INFINITE);
  return TRUE;
}

}  // namespace

void WorkerSignals::Handle() {
  // Ctrl-C alone, and inherited, as on POSIX.
  SetConsoleCtrlHandler(nullptr, TRUE);
  SetConsoleCtrlHandler(OnConsoleEvent, TRUE);
}

void WorkerSignals::BeginTask() {}
void WorkerSignals::EndTask() {}
bool WorkerSignals::WasTerminated() { return false; }

}  // namespace multiproc
