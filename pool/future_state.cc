#include "multiproc/pool/future_state.h"

#include <algorithm>
#include <utility>

#include "multiproc/executors/monotonic_clock.h"

namespace multiproc {

void FutureState::Fulfil(const std::shared_ptr<FutureState>& self,
                         absl::Status status, std::string result) {
  if (!self->Set(std::move(status), std::move(result))) return;
  PostCallbacks(self);
  self->WakeWaiters();
}

bool FutureState::Set(absl::Status status, std::string result) {
  absl::MutexLock lock(&mutex_);
  status_ = std::move(status);
  bytes_ = std::move(result);
  if (extra_ != nullptr) extra_->attachment.Clear();
  return Finish();
}

bool FutureState::SetGreat(PackedBytes result) {
  absl::MutexLock lock(&mutex_);
  std::string().swap(bytes_);
  extra().attachment.Clear();
  extra().great = result.view();
  extra().great_owner = result.Share();
  return Finish();
}

bool FutureState::Finish() {
  done_.store(true, std::memory_order_release);
  if (num_waiting_ > 0) return true;
  return extra_ != nullptr &&
         !(extra_->waiting.empty() && extra_->watchers.empty() &&
           extra_->listeners.empty());
}

void FutureState::WakeWaiters() {
  absl::MutexLock lock(&mutex_);
  changed_.SignalAll();
  if (extra_ == nullptr) return;
  for (const auto& [watcher, tag] : extra_->watchers) watcher->Done(tag);
  extra_->watchers.clear();
}

void FutureState::PostCallbacks(const std::shared_ptr<FutureState>& self) {
  std::vector<Callback> waiting;
  std::vector<Listener> listeners;
  {
    absl::MutexLock lock(&self->mutex_);
    if (self->extra_ != nullptr) {
      waiting.swap(self->extra_->waiting);
      listeners.swap(self->extra_->listeners);
    }
  }
  // What they hold is the callers': not to be destroyed here.
  if (!listeners.empty()) {
    self->owner_->Post([listeners = std::move(listeners)] {});
  }
  for (Callback& callback : waiting) {
    self->owner_->Post(
        [self, callback = std::move(callback)] { callback(*self); });
  }
}

bool FutureState::Wait(absl::Duration timeout) {
  if (done()) return true;
  if (timeout <= absl::ZeroDuration()) {
    owner_->Attend();
    return false;
  }
  const absl::Time deadline = MonotonicNow() + timeout;
  owner_->Help(*this, deadline);
  absl::MutexLock lock(&mutex_);
  ++num_waiting_;
  while (!done() && MonotonicNow() < deadline) {
    changed_.WaitWithTimeout(&mutex_, deadline - MonotonicNow());
  }
  --num_waiting_;
  return done();
}

void FutureState::OnDone(const std::shared_ptr<FutureState>& self,
                         Callback callback) {
  {
    absl::MutexLock lock(&self->mutex_);
    // Behind those that were set before, also where they wait to be posted.
    if (!self->done() ||
        (self->has_extra() && !self->extra_->waiting.empty())) {
      self->extra().waiting.push_back(std::move(callback));
      callback = nullptr;
    }
  }
  if (callback == nullptr) return self->owner_->Attend();
  self->owner_->Post(
      [self, callback = std::move(callback)] { callback(*self); });
}

bool FutureState::Cancel(const std::shared_ptr<FutureState>& self) {
  return !self->done() && self->owner_->Cancel(self);
}

void FutureState::OnProgress(const std::shared_ptr<FutureState>& self,
                             Listener listener) {
  {
    absl::MutexLock lock(&self->mutex_);
    if (self->done()) return;
    self->extra().listeners.push_back(std::move(listener));
  }
  self->owner_->Listen(*self);
}

void FutureState::PostProgress(const std::string& message) {
  std::vector<Listener> listeners;
  {
    absl::MutexLock lock(&mutex_);
    if (extra_ != nullptr) listeners = extra_->listeners;
  }
  for (Listener& listener : listeners) {
    owner_->Post(
        [message, listener = std::move(listener)] { listener(message); });
  }
}

bool FutureState::Watch(Watcher* watcher, size_t tag) {
  {
    absl::MutexLock lock(&mutex_);
    if (done()) return false;
    extra().watchers.emplace_back(watcher, tag);
  }
  owner_->Attend();
  return true;
}

void FutureState::Unwatch(Watcher* watcher) {
  absl::MutexLock lock(&mutex_);
  if (extra_ == nullptr) return;
  auto& watchers = extra_->watchers;
  watchers.erase(
      std::remove_if(watchers.begin(), watchers.end(),
                     [=](const auto& each) { return each.first == watcher; }),
      watchers.end());
}

}  // namespace multiproc
