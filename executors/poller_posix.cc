#ifdef _WIN32
#error "Windows builds poller_win.cc"
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#define MULTIPROC_HAVE_EPOLL 1
#endif

#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/executors/handle_table.h"
#include "multiproc/executors/poll_timeout.h"
#include "multiproc/executors/poller.h"
#include "multiproc/executors/posix_error.h"

namespace multiproc {
namespace {

#ifdef MULTIPROC_HAVE_EPOLL

// Not a pointer to anything of the caller's: its tokens are below it.
constexpr uint64_t kWakeToken = ~uint64_t{0};

class EpollPoller : public Poller {
 public:
  absl::Status Open() {
    {
      const HandleTable::Lock lock;
      const int epoll = epoll_create1(EPOLL_CLOEXEC);
      if (epoll < 0) return PosixError("epoll_create1", "", errno);
      epoll_ = ScopedFileHandle::Adopt(HandleTable::AddNew(lock, epoll));
      const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
      if (wake < 0) return PosixError("eventfd", "", errno);
      wake_ = ScopedFileHandle::Adopt(HandleTable::AddNew(lock, wake));
    }
    return Watch(wake_.get(), kWakeToken, kReadable);
  }

  absl::Status Prepare(FileHandle) override { return absl::OkStatus(); }

  absl::Status Watch(FileHandle handle, uint64_t token,
                     Interest interest) override {
    epoll_event event = {};
    event.events = interest == kReadable ? EPOLLIN : EPOLLOUT;
    event.data.u64 = token;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, handle, &event) == 0) {
      return absl::OkStatus();
    }
    return PosixError("epoll_ctl", "", errno);
  }

  void Forget(FileHandle handle) override {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, handle, nullptr);
  }

  void Wait(absl::Duration timeout, std::vector<uint64_t>* tokens) override {
    epoll_event events[256];
    const int count =
        epoll_wait(epoll_.get(), events, 256, PollTimeout(timeout));
    tokens->clear();
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == kWakeToken) {
        ClearWake();
      } else {
        tokens->push_back(events[i].data.u64);
      }
    }
  }

  void Wake() override {
    const uint64_t one = 1;
    // It can only be full after 2^64 - 2 wake-ups, and then it is awake.
    (void)!write(wake_.get(), &one, sizeof(one));
  }

 private:
  void ClearWake() {
    uint64_t count;
    (void)!read(wake_.get(), &count, sizeof(count));
  }

  ScopedFileHandle epoll_;
  ScopedFileHandle wake_;
};

absl::StatusOr<std::unique_ptr<Poller>> MakePoller() {
  auto poller = std::make_unique<EpollPoller>();
  absl::Status status = poller->Open();
  if (!status.ok()) return status;
  return poller;
}

#else

class PollPoller : public Poller {
 public:
  explicit PollPoller(Pipe wake) : wake_(std::move(wake)) {}

  absl::Status Prepare(FileHandle) override { return absl::OkStatus(); }

  absl::Status Watch(FileHandle handle, uint64_t token,
                     Interest interest) override {
    absl::MutexLock lock(&mutex_);
    watched_[handle] = {token, interest};
    // poll(2) keeps to what it was given.
    if (waiting_) Wake();
    return absl::OkStatus();
  }

  void Forget(FileHandle handle) override {
    absl::MutexLock lock(&mutex_);
    watched_.erase(handle);
  }

  void Wait(absl::Duration timeout, std::vector<uint64_t>* tokens) override {
    std::vector<pollfd> entries;
    std::vector<uint64_t> entry_tokens;
    BeginWait(&entries, &entry_tokens);
    tokens->clear();
    const int count =
        poll(entries.data(), entries.size(), PollTimeout(timeout));
    {
      absl::MutexLock lock(&mutex_);
      waiting_ = false;
    }
    if (count <= 0) return;
    if (entries[0].revents != 0) ClearWake();
    for (size_t i = 1; i < entries.size(); ++i) {
      if (entries[i].revents != 0) tokens->push_back(entry_tokens[i]);
    }
  }

  void Wake() override {
    // A full pipe is awake as it is.
    (void)!write(wake_.write_end.get(), "w", 1);
  }

 private:
  void BeginWait(std::vector<pollfd>* entries,
                 std::vector<uint64_t>* entry_tokens) {
    absl::MutexLock lock(&mutex_);
    entries->push_back({wake_.read_end.get(), POLLIN, 0});
    entry_tokens->push_back(0);
    for (const auto& [handle, watch] : watched_) {
      const short events =  // NOLINT(runtime/int)
          watch.second == kReadable ? POLLIN : POLLOUT;
      entries->push_back({handle, events, 0});
      entry_tokens->push_back(watch.first);
    }
    waiting_ = true;
  }

  void ClearWake() {
    char bytes[64];
    while (read(wake_.read_end.get(), bytes, sizeof(bytes)) > 0) {
    }
  }

  Pipe wake_;
  absl::Mutex mutex_;
  std::map<FileHandle, std::pair<uint64_t, Interest>> watched_
      ABSL_GUARDED_BY(mutex_);
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;
};

absl::StatusOr<std::unique_ptr<Poller>> MakePoller() {
  absl::StatusOr<Pipe> wake = Pipe::Create(Pipe::NonBlocking::kBoth);
  if (!wake.ok()) return wake.status();
  return std::make_unique<PollPoller>(*std::move(wake));
}

#endif

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> Poller::Create() {
  return MakePoller();
}

}  // namespace multiproc
