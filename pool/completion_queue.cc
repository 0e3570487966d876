#include "multiproc/pool/completion_queue.h"

#include <utility>

#include "multiproc/executors/monotonic_clock.h"

namespace multiproc {

CompletionQueue::~CompletionQueue() {
  for (const auto& [tag, state] : states_) state->Unwatch(this);
}

void CompletionQueue::Add(std::shared_ptr<FutureState> state, size_t tag) {
  const bool watched = state->Watch(this, tag);
  states_.emplace(tag, std::move(state));
  if (!watched) Done(tag);
}

std::optional<size_t> CompletionQueue::Next(absl::Duration timeout) {
  if (states_.empty()) return std::nullopt;
  const absl::Time deadline = MonotonicNow() + timeout;
  size_t tag = 0;
  {
    absl::MutexLock lock(&mutex_);
    while (done_.empty()) {
      const absl::Duration left = deadline - MonotonicNow();
      if (left <= absl::ZeroDuration()) return std::nullopt;
      changed_.WaitWithTimeout(&mutex_, left);
    }
    tag = done_.front();
    done_.pop_front();
  }
  states_.erase(tag);
  return tag;
}

void CompletionQueue::Done(size_t tag) {
  absl::MutexLock lock(&mutex_);
  done_.push_back(tag);
  changed_.Signal();
}

}  // namespace multiproc
