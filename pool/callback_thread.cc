#include "multiproc/pool/callback_thread.h"

#include <utility>

namespace multiproc {

void CallbackThread::Post(Callback callback) {
  {
    absl::MutexLock lock(&mutex_);
    if (!shutdown_) {
      queue_.push_back(std::move(callback));
      if (thread_ == nullptr) {
        thread_ = std::make_unique<LibraryThread>([this] { Run(); });
      }
      return;
    }
  }
  callback();
}

void CallbackThread::Shutdown() {
  std::unique_ptr<LibraryThread> thread;
  {
    absl::MutexLock lock(&mutex_);
    shutdown_ = true;
    thread = std::move(thread_);
  }
  if (thread != nullptr) thread->Join();
}

bool CallbackThread::IsCurrent() {
  absl::MutexLock lock(&mutex_);
  return thread_ != nullptr && thread_->IsCurrent();
}

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
