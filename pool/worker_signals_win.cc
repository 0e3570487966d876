#ifndef _WIN32
#error "POSIX builds worker_signals_posix.cc"
#endif

#include "multiproc/executors/windows_api.h"
#include "multiproc/pool/worker_signals.h"

namespace multiproc {
namespace {

BOOL WINAPI OnConsoleEvent(DWORD event) { return event == CTRL_BREAK_EVENT; }

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
