#ifdef _WIN32
#error "Windows builds file_handle_win.cc"
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>

#include "absl/container/inlined_vector.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/handle_table.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/executors/poll_timeout.h"
#include "multiproc/executors/posix_error.h"

#if defined(__linux__) && defined(RWF_NOWAIT) && \
    !defined(MULTIPROC_PORTABLE_POSIX)
#define MULTIPROC_HAVE_RWF_NOSIGNAL 1
#endif

namespace multiproc {
namespace {

// Keeps SIGPIPE from this thread while it lives, and takes back the one that a
// write in between brought. By POSIX the signal goes to the thread that writes,
// so a blocked and consumed one is seen by nobody.
class ScopedSigpipeBlock {
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
};

// read(2) or write(2), called again where a signal interrupted it.
template <typename Call>
absl::StatusOr<size_t> Transfer(absl::string_view name, Call call) {
  ssize_t result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  if (result >= 0) return static_cast<size_t>(result);
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    return absl::UnavailableError("");
  }
  if (errno == EPIPE) {
    ScopedSigpipeBlock::SawBrokenPipe();
    return absl::AbortedError("write: the other end of the pipe is closed");
  }
  return PosixError(name, "", errno);
}

using Parts = absl::InlinedVector<struct iovec, 64>;
Parts PartsOf(absl::Span<const absl::string_view> pieces) {
  Parts parts;
  for (const absl::string_view piece : pieces) {
    parts.push_back({const_cast<char*>(piece.data()), piece.size()});
  }
  return parts;
}

// pipe2(2) where there is one; macOS has none, and HandleTable::ExecLock keeps
// a program from being started between the two calls.
int MakePipe(int fds[2]) {
#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
  return pipe2(fds, O_CLOEXEC);
#else
  if (pipe(fds) != 0) return -1;
  fcntl(fds[0], F_SETFD, FD_CLOEXEC);
  fcntl(fds[1], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

absl::Status SetNonBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return PosixError("fcntl(O_NONBLOCK)", "", errno);
  }
  return absl::OkStatus();
}

}  // namespace

ScopedFileHandle::ScopedFileHandle(FileHandle handle) : handle_(handle) {
  HandleTable::Lock lock;
  HandleTable::Add(lock, handle);
}

FileHandle ScopedFileHandle::release() {
  if (is_valid()) {
    HandleTable::Lock lock;
    HandleTable::Remove(lock, handle_);
  }
  return std::exchange(handle_, kInvalidFileHandle);
}

void ScopedFileHandle::reset() {
  if (!is_valid()) return;
  // Closed under the lock, so that no child is forked in between with a
  // descriptor that nobody closes. Never repeated on EINTR: close(2), Linux
  // frees the number in any case, and it may be someone else's by then.
  HandleTable::Lock lock;
  HandleTable::Remove(lock, handle_);
  close(std::exchange(handle_, kInvalidFileHandle));
}

absl::StatusOr<size_t> ReadSome(FileHandle handle, char* buffer, size_t size) {
  return Transfer("read", [=] { return read(handle, buffer, size); });
}

absl::StatusOr<size_t> WriteSome(FileHandle handle, absl::string_view bytes) {
  return Transfer("write",
                  [=] { return write(handle, bytes.data(), bytes.size()); });
}

absl::StatusOr<size_t> WriteSome(FileHandle handle,
                                 absl::Span<const absl::string_view> pieces) {
  const Parts parts = PartsOf(pieces);
  return Transfer("write", [&] {
    return writev(handle, parts.data(), static_cast<int>(parts.size()));
  });
}

absl::StatusOr<size_t> WriteSomeQuietly(FileHandle handle,
                                        absl::string_view bytes) {
  return WriteSomeQuietly(handle, absl::MakeConstSpan(&bytes, 1));
}

absl::StatusOr<size_t> WriteSomeQuietly(
    FileHandle handle, absl::Span<const absl::string_view> pieces) {
#ifdef MULTIPROC_HAVE_RWF_NOSIGNAL
  // Linux 6.18 and later can be asked for that in the call itself.
  static std::atomic<bool> is_known{true};
  if (is_known.load(std::memory_order_relaxed)) {
    constexpr int kRwfNoSignal = 0x100;
    const Parts parts = PartsOf(pieces);
    absl::StatusOr<size_t> written = Transfer("write", [&] {
      return pwritev2(handle, parts.data(), static_cast<int>(parts.size()), -1,
                      kRwfNoSignal);
    });
    if (written.ok() || absl::IsUnavailable(written.status()) ||
        absl::IsAborted(written.status())) {
      return written;
    }
    // Older systems do not know it, and some filters refuse it.
    is_known.store(false, std::memory_order_relaxed);
  }
#endif
  const ScopedSigpipeBlock no_sigpipe;
  return WriteSome(handle, pieces);
}

absl::Status WriteAll(FileHandle handle, absl::string_view bytes) {
  const ScopedSigpipeBlock no_sigpipe;
  while (!bytes.empty()) {
    const absl::StatusOr<size_t> written = WriteSome(handle, bytes);
    if (!written.ok()) return written.status();
    bytes.remove_prefix(*written);
  }
  return absl::OkStatus();
}

bool WaitReadable(FileHandle handle, absl::Duration timeout) {
  const absl::Time deadline = MonotonicNow() + timeout;
  struct pollfd entry = {handle, POLLIN, 0};
  while (poll(&entry, 1, PollTimeout(deadline - MonotonicNow())) <= 0) {
    if (MonotonicNow() >= deadline) return false;
  }
  return true;
}

void EnlargePipe(FileHandle handle, size_t size) {
#ifdef F_SETPIPE_SZ
  // Refused where the user's pipes would hold too much together (pipe(7)).
  fcntl(handle, F_SETPIPE_SZ, static_cast<int>(size));
#else
  (void)handle;
  (void)size;
#endif
}

absl::StatusOr<Pipe> Pipe::Create(NonBlocking ends) {
  int fds[2];
  {
    HandleTable::Lock lock;
    if (MakePipe(fds) != 0) return PosixError("pipe", "", errno);
    fds[0] = HandleTable::AddNew(lock, fds[0]);
    fds[1] = HandleTable::AddNew(lock, fds[1]);
  }
  Pipe pipe;
  pipe.read_end = ScopedFileHandle::Adopt(fds[0]);
  pipe.write_end = ScopedFileHandle::Adopt(fds[1]);
  absl::Status status;
  if (ends == NonBlocking::kReadEnd || ends == NonBlocking::kBoth) {
    status.Update(SetNonBlocking(fds[0]));
  }
  if (ends == NonBlocking::kWriteEnd || ends == NonBlocking::kBoth) {
    status.Update(SetNonBlocking(fds[1]));
  }
  if (!status.ok()) return status;
  return pipe;
}

}  // namespace multiproc
