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
    saw_broken_pipe_ = false;
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &old_mask_);
    // One that was not blocked before would have been delivered.
    was_pending_ = sigismember(&old_mask_, SIGPIPE) == 1 && IsPending();
  }
  ~ScopedSigpipeBlock() {
    if (saw_broken_pipe_ && !was_pending_ && IsPending()) Consume();
    pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }

  ScopedSigpipeBlock(const ScopedSigpipeBlock&) = delete;
  ScopedSigpipeBlock& operator=(const ScopedSigpipeBlock&) = delete;

  // For whoever writes: this thread has met a broken pipe.
  static void SawBrokenPipe() { saw_broken_pipe_ = true; }

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

  inline static thread_local bool saw_broken_pipe_ = false;
  sigset_t sigpipe_;
  sigset_t old_mask_;
  bool was_pending_;
#endif
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_SIGPIPE_BLOCK_H_
