#include "multiproc/pool/callback_thread.h"

#include <utility>

namespace multiproc {
namespace {

// Whose thread the caller is.
thread_local const CallbackThread* current = nullptr;

}  // namespace

void CallbackThread::Post(Callback callback) {
  {
    absl::MutexLock lock(&mutex_);
    if (!shutdown_) {
      queue_.push_back(std::move(callback));
      if (thread_ == nullptr) StartThread();
      return;
    }
  }
  callback();
}

// If there is no thread to be had, what is queued waits for the next Post, or
// for Shutdown.
void CallbackThread::StartThread() {
  absl::StatusOr<std::unique_ptr<LibraryThread>> thread =
      LibraryThread::Start([this] {
        current = this;
        Run();
      });
  if (thread.ok()) thread_ = *std::move(thread);
}

void CallbackThread::Shutdown() {
  std::unique_ptr<LibraryThread> thread;
  {
    absl::MutexLock lock(&mutex_);
    shutdown_ = true;
    thread = std::move(thread_);
  }
  if (thread != nullptr) {
    thread->Join();
  } else {
    Run();
  }
}

bool CallbackThread::IsCurrent() const { return current == this; }

void CallbackThread::Run() {
  while (true) {
    Callback next;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &CallbackThread::HasWork));
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next();
  }
}

}  // namespace multiproc
