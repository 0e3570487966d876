#include "multiproc/watch/ticker.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

namespace multiproc {

Ticker::Ticker(absl::Duration interval, std::function<void()> tick)
    : interval_(std::max(interval, absl::Milliseconds(1))),
      tick_(std::move(tick)) {
  if (interval_ == absl::InfiniteDuration()) return;
  absl::StatusOr<std::unique_ptr<LibraryThread>> thread =
      LibraryThread::Start([this] { Run(); });
  if (thread.ok()) thread_ = *std::move(thread);
}

Ticker::~Ticker() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  // Joins.
  thread_ = nullptr;
}

void Ticker::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopped_), interval_)) {
        return;
      }
    }
    tick_();
  }
}

}  // namespace multiproc
