// Ctrl-C, SIGTERM and SIGHUP as a call on a thread, where what a signal handler
// must not do may be done: to cancel what waits in a pool, say, and let what
// runs come to its end.
//
//   auto stop = multiproc::StopSignals::Handle(
//       [&pool](int) { pool->CancelPending(); });
//   if (!stop.ok()) return Fail(stop.status());
//   while (!items.empty() && (*stop)->signal() == 0) Submit(items.Take());
//   pool->Close();
//   pool->Join().IgnoreError();         // what runs comes to its end
//   (*stop)->PassOn();                  // ends by that signal, if one came
//
// A program that handles nothing needs none of this: it is ended by the signal,
// and its workers go with it (docs/signals.md).
//
// The first signal is told, and later ones are not: whoever stops already has
// nothing more to do, and a closing terminal and some supervisors send several.
// But a Ctrl-C that comes a quarter of a second or more after the first signal
// ends the program at once, as Ctrl-C does where nobody handles it: it is a
// human who does not want to wait. (Earlier it is the same one: timeout(1)
// sends to its child, and to the group of that.)
//
// What was ignored before stays so: SIGHUP under nohup(1), SIGINT in what a
// shell without job control starts in the background. A process that this one
// forks, by whatever means, is ended by these signals as if nobody handled
// them, unless it does so itself.
//
// On Windows these are Ctrl-C (SIGINT), Ctrl-Break (SIGBREAK), the end of the
// console or of the system (SIGTERM), and Terminate of the Process where this
// process is a function's child (SIGTERM). When the console is closed the
// system ends the program some seconds later, whatever it does.
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_STOP_SIGNALS_H_
#define MULTIPROC_EXECUTORS_STOP_SIGNALS_H_

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/executors/library_thread.h"

namespace multiproc {

// The handling of these signals, for one part of the program at a time.
class StopSignals {
 public:
  // From now on the first such signal calls `on_stop`, with its number, on a
  // thread of this library, on which all signals are blocked; null for nothing
  // to call. It may take long, and must neither destroy the object nor exit.
  // The program's other threads go on; system calls that the signal interrupts
  // are begun again, but for those that are not (SA_RESTART, signal(7): sleeps,
  // poll(2)). Call it after Initialize().
  //   FAILED_PRECONDITION  another one lives.
  //   RESOURCE_EXHAUSTED   there is no thread or descriptor to be had.
  static absl::StatusOr<std::unique_ptr<StopSignals>> Handle(
      std::function<void(int signal)> on_stop);

  // Waits for a call of `on_stop` that goes on, or is due. The signals do what
  // they did before Handle.
  ~StopSignals();

  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // The first signal that came since Handle, or 0.
  int signal() const { return signal_.load(std::memory_order_acquire); }

  // Handles no more signals, and ends the program by the one that came, as it
  // would have without this, so that whoever waits for it learns why it ended
  // (https://www.cons.org/cracauer/sigint.html): call it last. Returns if none
  // came. No destructors or exit handlers run; stdout and stderr are flushed
  // before. Of process 1 of a container, which signals can't end, the exit code
  // is 128 and the signal's number; on Windows it is what such an end has.
  void PassOn();

 private:
  explicit StopSignals(std::function<void(int signal)> on_stop);

  void Run();
  void Stop();

  const std::function<void(int signal)> on_stop_;
  std::atomic<int> signal_{0};
  std::unique_ptr<LibraryThread> thread_;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_STOP_SIGNALS_H_
