#include "multiproc/pool/callback_thread.h"

#include <atomic>
#include <utility>

namespace multiproc {
namespace {

// Whose thread the caller is.
thread_local const CallbackThread* current = nullptr;

}  // namespace

void CallbackThread::Post(Callback callback) {
  {
    absl::MutexLock lock(&mutex_);
    if (!drained_) {
      queue_.push_back(std::move(callback));
      StartThread().IgnoreError();
      return;
    }
  }
  callback();
}

absl::Status CallbackThread::Start() {
  absl::MutexLock lock(&mutex_);
  return StartThread();
}

absl::Status CallbackThread::StartThread() {
  if (thread_ != nullptr || shutdown_) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<LibraryThread>> thread =
      LibraryThread::Start([this] { Run(); });
  if (thread.ok()) thread_ = *std::move(thread);
  return thread.status();
}

void CallbackThread::Shutdown() {
  if (IsCurrent()) return Abandon();
  std::unique_ptr<LibraryThread> thread;
  bool run_here = false;
  {
    absl::MutexLock lock(&mutex_);
    run_here = !shutdown_ && thread_ == nullptr;
    shutdown_ = true;
    thread = std::move(thread_);
  }
  if (run_here) Run();
  // Of several callers one joins, and the others wait for the same.
  if (thread != nullptr) thread->Join();
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&drained_));
}

// A callback has called std::exit, which destroys what the program has in
// static variables. It never returns, and nobody can wait for its thread.
void CallbackThread::Abandon() {
  absl::MutexLock lock(&mutex_);
  shutdown_ = true;
  // Where those who look for leaks find it.
  static std::atomic<LibraryThread*> abandoned;
  if (thread_ != nullptr) abandoned = thread_.release();
}

bool CallbackThread::ShutdownWithTimeout(absl::Duration timeout) {
  {
    absl::MutexLock lock(&mutex_);
    // The thread may belong to another caller by now, who joins it.
    if (thread_ != nullptr || shutdown_) {
      shutdown_ = true;
      if (!mutex_.AwaitWithTimeout(absl::Condition(&drained_), timeout)) {
        return false;
      }
    }
  }
  Shutdown();
  return true;
}

bool CallbackThread::IsCurrent() const { return current == this; }

void CallbackThread::Run() {
  current = this;
  Callback next;
  while (Take(&next)) {
    next();
    next = nullptr;
  }
  current = nullptr;
}

bool CallbackThread::Take(Callback* next) {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &CallbackThread::HasWork));
  drained_ = queue_.empty();
  if (drained_) return false;
  *next = std::move(queue_.front());
  queue_.pop_front();
  return true;
}

}  // namespace multiproc
