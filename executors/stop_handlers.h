// What stop_signals.cc asks the system for: handlers of Ctrl-C, SIGTERM and
// SIGHUP, and an end by one of them.
//
// Not thread-safe, but for the handlers.

#ifndef MULTIPROC_EXECUTORS_STOP_HANDLERS_H_
#define MULTIPROC_EXECUTORS_STOP_HANDLERS_H_

#include "multiproc/executors/file_handle.h"

namespace multiproc {

// From now on the first such signal that is not ignored writes its number, as
// one byte, to `wake`, the end of a pipe, which is never to be closed: a
// handler may be running when the handlers are taken back. Of later ones a
// Ctrl-C ends the program (stop_signals.h).
void InstallStopHandlers(FileHandle wake);

// The signals do what they did before.
void RestoreStopHandlers();

// Ends the program as `signal` does that nobody handles. May be called in a
// signal handler.
[[noreturn]] void EndBySignal(int signal);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_STOP_HANDLERS_H_
