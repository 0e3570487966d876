// Blocks signals on this thread while it lives: no handler of the program runs
// in between, and a thread or process that is started inherits the mask. Faults
// are not blocked: the system ends a process for one that is, without asking
// the program's crash handler. POSIX only.

#ifndef MULTIPROC_EXECUTORS_SIGNAL_BLOCK_H_
#define MULTIPROC_EXECUTORS_SIGNAL_BLOCK_H_

#include <signal.h>

namespace multiproc {

class ScopedSignalBlock {
 public:
  ScopedSignalBlock() {
    sigset_t all;
    sigfillset(&all);
    for (const int fault :
         {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
      sigdelset(&all, fault);
    }
    pthread_sigmask(SIG_SETMASK, &all, &old_mask_);
  }
  ~ScopedSignalBlock() { pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr); }

  ScopedSignalBlock(const ScopedSignalBlock&) = delete;
  ScopedSignalBlock& operator=(const ScopedSignalBlock&) = delete;

 private:
  sigset_t old_mask_;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_SIGNAL_BLOCK_H_
