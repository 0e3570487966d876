// Which of several outcomes is there next: waits for many futures at once.
//
//   CompletionQueue queue;
//   for (size_t i = 0; i < states.size(); ++i) queue.Add(states[i], i);
//   while (queue.size() > 0) { ... queue.Next(timeout) ... }
//
// Not thread-safe: the thread that waits has it to itself. It may be a callback
// of OnDone: nothing here needs the callback thread.

#ifndef MULTIPROC_POOL_COMPLETION_QUEUE_H_
#define MULTIPROC_POOL_COMPLETION_QUEUE_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "multiproc/pool/future_state.h"

namespace multiproc {

class CompletionQueue final : public FutureState::Watcher {
 public:
  CompletionQueue() = default;
  // Forgets those that are not done yet.
  ~CompletionQueue();

  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;

  // `tag` is what Next returns for `state`; no other in the queue has it.
  void Add(std::shared_ptr<FutureState> state, size_t tag);

  // Waits up to `timeout` for one that is done, and takes it out of the queue;
  // nullopt if there is none by then, or the queue is empty.
  std::optional<size_t> Next(absl::Duration timeout);

  // How many were added, and not taken out.
  size_t size() const { return states_.size(); }

 private:
  void Done(size_t tag) override;

  std::unordered_map<size_t, std::shared_ptr<FutureState>> states_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::deque<size_t> done_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_COMPLETION_QUEUE_H_
