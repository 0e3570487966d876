#include "multiproc/pool/async_map.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multiproc/functions/codec.h"
#include "multiproc/pool/chunk_results.h"
#include "multiproc/pool/derived_state.h"
#include "multiproc/pool/map_run.h"

namespace multiproc {
namespace {

// Kept by the callbacks that it waits for.
class AsyncMap : public std::enable_shared_from_this<AsyncMap> {
 public:
  AsyncMap(std::shared_ptr<TaskSubmitter> submitter, const MapOptions& options,
           std::unique_ptr<ItemSource> source)
      : submitter_(std::move(submitter)),
        within_run_(submitter_->BeginRun()),
        outcome_(MakeDerivedState(submitter_->loop())),
        run_(std::in_place, submitter_, options, std::move(source),
             MapRun::Order::kItems) {}

  std::shared_ptr<FutureState> Start() {
    if (within_run_) run_->set_caller(TaskSubmitter::Caller::kRun);
    run_->set_on_sent([this](const std::shared_ptr<FutureState>& state) {
      FutureState::OnDone(state, [self = shared_from_this()](
                                     const FutureState&) { self->Pump(); });
    });
    submitter_->loop()->Post([self = shared_from_this()] { self->Pump(); });
    return outcome_;
  }

 private:
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
    run_->Fill();
    while (std::optional<MapRun::Chunk> chunk =
               run_->Take(absl::ZeroDuration())) {
      run_->Release(chunk->count);
      Append(ChunkResults(*std::move(chunk)));
    }
    run_->Fill();
    if (run_->done()) Finish();
  }

  void Append(const ChunkResults& results) {
    if (status_.ok()) status_ = results.FirstError();
    if (status_.ok()) {
      count_ += results.chunk().count;
      packed_.append(results.packed().data(), results.packed().size());
    } else if (run_->on_error() == OnError::kStop) {
      run_->Stop();
    }
  }

  // As a std::vector is packed.
  void Finish() {
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
  const std::shared_ptr<FutureState> outcome_;
  // Calls of Pump since the one that is at it began.
  std::atomic<int> signals_{0};
  // Until the outcome is there.
  std::optional<MapRun> run_;
  absl::Status status_;
  uint64_t count_ = 0;
  std::string packed_;
};

}  // namespace

std::shared_ptr<FutureState> StartAsyncMap(
    std::shared_ptr<TaskSubmitter> submitter, const MapOptions& options,
    std::unique_ptr<ItemSource> source) {
  return std::make_shared<AsyncMap>(std::move(submitter), options,
                                    std::move(source))
      ->Start();
}

}  // namespace multiproc
