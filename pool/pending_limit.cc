#include "multiproc/pool/pending_limit.h"

namespace multiproc {

bool PendingLimit::HasRoom(size_t bytes) const {
  if (open_ || tasks_ == 0) return true;
  if (max_tasks_ > 0 && tasks_ >= max_tasks_) return false;
  return max_bytes_ == 0 || bytes_ + bytes <= max_bytes_;
}

void PendingLimit::Count(size_t bytes) {
  ++tasks_;
  bytes_ += bytes;
}

bool PendingLimit::TryAdd(size_t bytes) {
  absl::MutexLock lock(&mutex_);
  if (turns_given_ != next_turn_ && !open_) return false;
  if (!HasRoom(bytes)) return false;
  Count(bytes);
  return true;
}

void PendingLimit::AddWhenRoom(size_t bytes) {
  absl::MutexLock lock(&mutex_);
  const uint64_t turn = turns_given_++;
  const auto may_enter = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return next_turn_ == turn && HasRoom(bytes);
  };
  mutex_.Await(absl::Condition(&may_enter));
  ++next_turn_;
  Count(bytes);
}

void PendingLimit::Add(size_t bytes) {
  absl::MutexLock lock(&mutex_);
  Count(bytes);
}

void PendingLimit::Remove(size_t bytes) {
  absl::MutexLock lock(&mutex_);
  --tasks_;
  bytes_ -= bytes;
}

void PendingLimit::Open() {
  absl::MutexLock lock(&mutex_);
  open_ = true;
}

}  // namespace multiproc
