#include "multiproc/pool/future_state.h"

namespace multiproc {

void FutureState::Fulfil(absl::Status status, std::string result) {
  std::vector<Callback> waiting;
  {
    absl::MutexLock lock(&mutex_);
    status_ = std::move(status);
    result_ = std::move(result);
    done_ = true;
    waiting.swap(waiting_);
  }
  for (Callback& callback : waiting) Post(std::move(callback));
}

bool FutureState::Wait(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&done_), timeout);
}

void FutureState::OnDone(Callback callback) {
  {
    absl::MutexLock lock(&mutex_);
    if (!done_) {
      waiting_.push_back(std::move(callback));
      return;
    }
  }
  Post(std::move(callback));
}

void FutureState::Post(Callback callback) {
  callbacks_->Post([self = shared_from_this(), callback = std::move(callback)] {
    callback(*self);
  });
}

}  // namespace multiproc
