// The way of captured lines from the thread that reads them to the callback,
// on the pool's callback thread, with a bound on what is under way.
//
//   relay->Deliver(std::move(lines));
//   if (relay->IsFull()) ...  // read no more, until a turn finds that it isn't
//
// One for each pool. Thread-safe, but for IsFull: that is for whoever has the
// pool's loop.

#ifndef MULTIPROC_POOL_OUTPUT_RELAY_H_
#define MULTIPROC_POOL_OUTPUT_RELAY_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "multiproc/pool/worker_output.h"

namespace multiproc {

class OutputRelay : public std::enable_shared_from_this<OutputRelay> {
 public:
  // In bytes, with what the lines take beside their text. From the first one on
  // the relay is full, until half of it is delivered. Beyond the second, which
  // only what is left by workers that are gone can reach, lines are dropped.
  static constexpr size_t kFullBytes = size_t{1} << 20;
  static constexpr size_t kMostBytes = size_t{16} << 20;

  // `post` runs what it is given on the callback thread, in order. `wake` is
  // called there once a relay that was full is not so any more. Both may be
  // called as long as there is something under way.
  using Callback = std::function<void(const WorkerOutput&)>;
  using Post = std::function<void(std::function<void()>)>;
  OutputRelay(Callback on_output, Post post, std::function<void()> wake);

  // Of the markers in all streams of the pool (output_splitter.h).
  const std::string& nonce() const { return nonce_; }

  // Gives `lines` to the callback, one after the other.
  void Deliver(std::vector<WorkerOutput> lines);

  bool IsFull();

 private:
  void Run(const std::vector<WorkerOutput>& lines, size_t bytes);

  const std::string nonce_;
  const Callback on_output_;
  const Post post_;
  const std::function<void()> wake_;
  std::atomic<size_t> undelivered_{0};
  bool full_ = false;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_OUTPUT_RELAY_H_
