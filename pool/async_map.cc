#include "multiproc/pool/async_map.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/functions/codec.h"
#include "multiproc/pool/callback_thread.h"
#include "multiproc/pool/chunk_results.h"
#include "multiproc/pool/derived_state.h"
#include "multiproc/pool/item_index.h"
#include "multiproc/pool/map_run.h"
#include "multiproc/pool/pool_loop.h"

namespace multiproc {
namespace {

// Kept by the callbacks that it waits for.
class AsyncMap : public std::enable_shared_from_this<AsyncMap> {
 public:
  AsyncMap(std::shared_ptr<TaskSubmitter> submitter, const MapOptions& options,
           std::unique_ptr<ItemSource> source)
      : submitter_(std::move(submitter)),
        within_run_(submitter_->BeginRun()),
        run_(std::in_place, submitter_, options, std::move(source),
             MapRun::Order::kItems) {}

  std::shared_ptr<FutureState> Start() {
    outcome_ = MakeDerivedState(submitter_->loop(), [weak = weak_from_this()] {
      const std::shared_ptr<AsyncMap> self = weak.lock();
      if (self != nullptr) self->Cancel();
      return self != nullptr;
    });
    if (within_run_) run_->set_caller(TaskSubmitter::Caller::kRun);
    run_->set_on_sent([this](const MapRun::Chunk& chunk) {
      FutureState::OnDone(
          chunk.state,
          [self = shared_from_this(), first = chunk.first](const FutureState&) {
            self->NoteDone(first);
            self->Pump();
          });
    });
    submitter_->loop()->Post([self = shared_from_this()] { self->Pump(); });
    return outcome_;
  }

 private:
  void Cancel() {
    if (cancelled_.exchange(true)) return;
    submitter_->loop()->Post([self = shared_from_this()] { self->Pump(); });
  }

  void NoteDone(uint64_t first) {
    absl::MutexLock lock(&mutex_);
    done_.push_back(first);
  }
  std::vector<uint64_t> TakeNotes() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(done_, {});
  }

  // Once the pool is gone callbacks run at once: within Step.
  void Pump() {
    if (signals_.fetch_add(1) > 0) return;
    int seen = 1;
    do {
      seen = signals_;
      Step();
    } while (!signals_.compare_exchange_strong(seen, 0));
  }

  void Step() {
    if (!run_.has_value()) return;
    if (cancelled_ && !std::exchange(cancel_seen_, true)) run_->Cancel();
    run_->Fill();
    for (const uint64_t first : TakeNotes()) {
      const ChunkResults results(run_->TakeDone(first));
      run_->Release(results.chunk().count);
      Keep(results);
    }
    run_->Fill();
    if (run_->done()) Finish();
  }

  // Up to the first error, by the order of the items.
  void Keep(const ChunkResults& results) {
    const MapRun::Chunk& chunk = results.chunk();
    if (chunk.first > failed_) return;
    absl::Status error = results.FirstError();
    if (!error.ok()) {
      failed_ = chunk.first;
      status_ = std::move(error);
      if (run_->on_error() == OnError::kStop) run_->Stop();
    } else if (chunk.first > count_) {
      ahead_[chunk.first] = {chunk.count, std::string(results.packed())};
    } else {
      Append(chunk.count, results.packed());
      AppendThoseAhead();
    }
  }
  void AppendThoseAhead() {
    while (!ahead_.empty() && ahead_.begin()->first == count_) {
      const auto& [count, packed] = ahead_.begin()->second;
      Append(count, packed);
      ahead_.erase(ahead_.begin());
    }
  }

  void Append(uint32_t count, absl::string_view packed) {
    count_ += count;
    packed_.append(packed.data(), packed.size());
  }

  // As a std::vector is packed.
  void Finish() {
    const bool cut = status_.ok() && cancel_seen_ && !run_->sent_all();
    // Out of the thread, and so the program ends: results without the rest of
    // their items would be worse.
    run_->Rethrow();
    if (cut) {
      status_ = absl::CancelledError("the map was cancelled");
      SetItemIndex(count_, &status_);
    }
    run_.reset();
    std::string vector;
    if (status_.ok()) {
      Encoder encoder(&vector);
      encoder.PutVarint(count_);
      encoder.PutBytes(packed_);
    }
    std::string().swap(packed_);
    FutureState::Fulfil(outcome_, std::move(status_), std::move(vector));
    if (within_run_) submitter_->EndRun();
  }

  const std::shared_ptr<TaskSubmitter> submitter_;
  const bool within_run_;
  std::shared_ptr<FutureState> outcome_;
  // Calls of Pump since the one that is at it began.
  std::atomic<int> signals_{0};
  absl::Mutex mutex_;
  // First items of chunks that have their outcomes, and are pending.
  std::vector<uint64_t> done_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> cancelled_{false};
  // On the callback thread.
  bool cancel_seen_ = false;
  // Until the outcome is there.
  std::optional<MapRun> run_;
  // The first error, and the first item of its chunk.
  absl::Status status_;
  uint64_t failed_ = ~uint64_t{0};
  // Results without a gap: how many, and packed in a row.
  uint64_t count_ = 0;
  std::string packed_;
  // Those behind a gap, by their first items.
  std::map<uint64_t, std::pair<uint32_t, std::string>> ahead_;
};

}  // namespace

std::shared_ptr<FutureState> StartAsyncMap(
    std::shared_ptr<TaskSubmitter> submitter, const MapOptions& options,
    std::unique_ptr<ItemSource> source) {
  // The pool can't end before the map has: it must not wait for a thread.
  absl::Status started = submitter->loop()->callbacks().Start();
  if (!started.ok()) {
    const std::shared_ptr<FutureState> failed =
        MakeDerivedState(submitter->loop());
    FutureState::Fulfil(failed, std::move(started), "");
    return failed;
  }
  return std::make_shared<AsyncMap>(std::move(submitter), options,
                                    std::move(source))
      ->Start();
}

}  // namespace multiproc
