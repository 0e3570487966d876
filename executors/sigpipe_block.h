// Writing to a pipe that nobody reads any more, without the signal that ends
// the program:
//
//   {
//     const ScopedSigpipeBlock no_sigpipe;
//     WriteSome(handle, bytes);               // ABORTED, and no signal
//   }

#ifndef MULTIPROC_EXECUTORS_SIGPIPE_BLOCK_H_
#define MULTIPROC_EXECUTORS_SIGPIPE_BLOCK_H_

#ifndef _WIN32
#include <signal.h>
#include <time.h>
#endif

namespace multiproc {

// Keeps SIGPIPE from this thread while it lives, and takes back the one that a
// write in between brought. By POSIX the signal goes to the thread that writes,
// so a blocked and consumed one is seen by nobody.
class ScopedSigpipeBlock {
#ifdef _WIN32
  // There is no such signal.
 public:
  ScopedSigpipeBlock() {}
#else
 public:
  ScopedSigpipeBlock() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &old_mask_);
    was_pending_ = IsPending();
  }
  ~ScopedSigpipeBlock() {
    if (!was_pending_ && IsPending()) Consume();
    pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }

  ScopedSigpipeBlock(const ScopedSigpipeBlock&) = delete;
  ScopedSigpipeBlock& operator=(const ScopedSigpipeBlock&) = delete;

 private:
  // One that was sent to the process may be gone by now: another thread took
  // it.
  void Consume() {
#ifdef __linux__
    const struct timespec at_once = {0, 0};
    sigtimedwait(&sigpipe_, nullptr, &at_once);
#else
    int signal = 0;
    sigwait(&sigpipe_, &signal);
#endif
  }

  static bool IsPending() {
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
  }

  sigset_t sigpipe_;
  sigset_t old_mask_;
  bool was_pending_;
#endif
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_SIGPIPE_BLOCK_H_
