// What the signals do in a worker that are meant for the whole program: Ctrl-C
// and the end of a terminal reach every process of its foreground group, and a
// supervisor, timeout(1) or `kill -- -PGID` send SIGTERM to each. What becomes
// of the tasks is the parent's decision; if the parent ends, so does the worker
// (parent_watch.h).
//
//   WorkerSignals::Handle();
//   WorkerSignals::BeginTask();
//   ... runs the task, and answers with leaving = WasTerminated() ...
//   WorkerSignals::EndTask();
//
// SIGINT and SIGHUP do nothing. SIGTERM lets the task that runs come to its
// end, and then the worker leaves, however often it comes; one that runs
// nothing ends at once, as if nobody handled the signal. What a task waits for
// may be interrupted by SIGTERM and SIGHUP, where the system does not begin it
// again (SA_RESTART, signal(7)).
//
// Programs that a task starts inherit that SIGINT is ignored, and have the
// others at their defaults, as handlers end with exec; a process that a task
// forks is ended by them. What was ignored before stays so.
//
// On Windows Ctrl-C and Ctrl-Break do nothing; programs that a task starts
// inherit the former. The end of the console ends the worker.
//
// Thread-safe, but for Handle.

#ifndef MULTIPROC_POOL_WORKER_SIGNALS_H_
#define MULTIPROC_POOL_WORKER_SIGNALS_H_

namespace multiproc {

class WorkerSignals {
 public:
  // Takes the signals over. Once in a process, before its first task.
  static void Handle();

  // From the first on until the last that began has ended, SIGTERM waits. Does
  // not return if the process is being ended by one.
  static void BeginTask();

  // Ends the process if SIGTERM came meanwhile; so the answer must be safe. A
  // worker that has said that it is leaving does not call it: it is dismissed.
  static void EndTask();

  // Whether SIGTERM came since Handle.
  static bool WasTerminated();
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_SIGNALS_H_
