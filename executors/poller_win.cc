#ifndef _WIN32
#error "POSIX builds poller_posix.cc"
#endif

#include <atomic>
#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/executors/overlapped_pipe.h"
#include "multiproc/executors/poll_timeout.h"
#include "multiproc/executors/poller.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_error.h"

namespace multiproc {
namespace {

// The key of wake-ups; all others are handles.
constexpr ULONG_PTR kWakeKey = 0;

ULONG_PTR KeyOf(FileHandle handle) {
  return reinterpret_cast<ULONG_PTR>(handle);
}

// Posts to a completion port once `handle`, of a process or another object that
// can be waited for, is signaled. The system waits, on threads of its own, for
// any number of them: WaitForMultipleObjects would end at 64.
class PostedWait {
 public:
  PostedWait(HANDLE port, HANDLE handle) : port_(port), handle_(handle) {}
  // Waits for a callback that is running.
  ~PostedWait() {
    if (wait_ != nullptr) UnregisterWaitEx(wait_, INVALID_HANDLE_VALUE);
  }

  absl::Status Start() {
    if (RegisterWaitForSingleObject(&wait_, handle_, &Post, this, INFINITE,
                                    WT_EXECUTEONLYONCE) != 0) {
      return absl::OkStatus();
    }
    return WindowsError("RegisterWaitForSingleObject", "", GetLastError());
  }

 private:
  static void CALLBACK Post(void* self, BOOLEAN) {
    const PostedWait& wait = *static_cast<PostedWait*>(self);
    PostQueuedCompletionStatus(wait.port_, 0, KeyOf(wait.handle_), nullptr);
  }

  const HANDLE port_;
  const HANDLE handle_;
  HANDLE wait_ = nullptr;
};

// What is posted to the port only says where to look: whether a handle is ready
// is asked of the handle itself, again in each Wait as long as it is.
class CompletionPoller : public Poller {
 public:
  absl::Status Open() {
    port_ = ScopedFileHandle(
        CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1));
    if (port_.is_valid()) return absl::OkStatus();
    return WindowsError("CreateIoCompletionPort", "", GetLastError());
  }

  absl::Status Prepare(FileHandle handle) override {
    const auto pipe = OverlappedPipe::Find(handle);
    return pipe == nullptr ? absl::OkStatus() : pipe->Bind(port_.get());
  }

  absl::Status Watch(FileHandle handle, uint64_t token,
                     Interest interest) override {
    absl::Status status = Prepare(handle);
    if (!status.ok()) return status;
    Watched watched;
    watched.token = token;
    watched.interest = interest;
    watched.pipe = OverlappedPipe::Find(handle);
    if (watched.pipe == nullptr) {
      if (GetFileType(handle) == FILE_TYPE_PIPE) return BlockingPipeError();
      watched.wait = std::make_unique<PostedWait>(port_.get(), handle);
      status = watched.wait->Start();
      if (!status.ok()) return status;
    }
    absl::MutexLock lock(&mutex_);
    watched_[handle] = std::move(watched);
    to_ask_.insert(handle);
    // It may be ready, and nothing will be posted for it.
    if (waiting_) Wake();
    return absl::OkStatus();
  }

  void Forget(FileHandle handle) override {
    // A wait that is ended waits for its callback: not with the lock.
    Watched forgotten;
    absl::MutexLock lock(&mutex_);
    const auto found = watched_.find(handle);
    if (found != watched_.end()) {
      forgotten = std::move(found->second);
      watched_.erase(found);
    }
    to_ask_.erase(handle);
  }

  void Wait(absl::Duration timeout, std::vector<uint64_t>* tokens) override {
    const absl::Time deadline = MonotonicNow() + timeout;
    // What is ready is not waited for, but what else is ready is found.
    SetWaiting(true);
    AskThem(tokens);
    bool woken = TakePosted(tokens->empty() ? timeout : absl::ZeroDuration());
    AskThem(tokens);
    while (tokens->empty() && !woken && MonotonicNow() < deadline) {
      woken = TakePosted(deadline - MonotonicNow());
      AskThem(tokens);
    }
    SetWaiting(false);
  }

  void Wake() override {
    if (wake_is_posted_.exchange(true)) return;
    if (PostQueuedCompletionStatus(port_.get(), 0, kWakeKey, nullptr) == 0) {
      wake_is_posted_ = false;
    }
  }

 private:
  struct Watched {
    uint64_t token = 0;
    Interest interest = kReadable;
    // One of the two.
    std::shared_ptr<OverlappedPipe> pipe;
    std::unique_ptr<PostedWait> wait;
  };

  void SetWaiting(bool waiting) {
    absl::MutexLock lock(&mutex_);
    waiting_ = waiting;
  }

  static absl::Status BlockingPipeError() {
    return absl::InvalidArgumentError(
        "a blocking pipe can't be waited for on Windows: make it by "
        "Pipe::Create(Pipe::NonBlocking::kReadEnd)");
  }

  static bool IsReady(FileHandle handle, const Watched& watched) {
    if (watched.pipe == nullptr) {
      return WaitForSingleObject(handle, 0) == WAIT_OBJECT_0;
    }
    return watched.interest == kReadable ? watched.pipe->IsReadable()
                                         : watched.pipe->IsWritable();
  }

  // Fills `tokens` with those that are ready, and keeps them to be asked again.
  void AskThem(std::vector<uint64_t>* tokens) {
    tokens->clear();
    absl::MutexLock lock(&mutex_);
    for (auto it = to_ask_.begin(); it != to_ask_.end();) {
      const auto found = watched_.find(*it);
      if (found != watched_.end() && IsReady(*it, found->second)) {
        tokens->push_back(found->second.token);
        ++it;
      } else {
        it = to_ask_.erase(it);
      }
    }
  }

  // Waits until something is posted, and takes note of it; whether a wake-up
  // was.
  bool TakePosted(absl::Duration timeout) {
    OVERLAPPED_ENTRY entries[256];
    ULONG count = 0;
    if (GetQueuedCompletionStatusEx(port_.get(), entries, 256, &count,
                                    static_cast<DWORD>(PollTimeout(timeout)),
                                    FALSE) == 0) {
      return false;
    }
    bool woken = false;
    absl::MutexLock lock(&mutex_);
    for (ULONG i = 0; i < count; ++i) {
      if (entries[i].lpCompletionKey == kWakeKey) {
        wake_is_posted_ = false;
        woken = true;
      } else {
        to_ask_.insert(
            reinterpret_cast<FileHandle>(entries[i].lpCompletionKey));
      }
    }
    return woken;
  }

  ScopedFileHandle port_;
  absl::Mutex mutex_;
  std::map<FileHandle, Watched> watched_ ABSL_GUARDED_BY(mutex_);
  // Those of which something was posted, or which were ready.
  std::set<FileHandle> to_ask_ ABSL_GUARDED_BY(mutex_);
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<bool> wake_is_posted_{false};
};

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> Poller::Create() {
  auto poller = std::make_unique<CompletionPoller>();
  absl::Status status = poller->Open();
  if (!status.ok()) return status;
  return poller;
}

}  // namespace multiproc
