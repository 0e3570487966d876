#include "multiproc/pool/output_relay.h"

#include "multiproc/pool/output_splitter.h"

namespace multiproc {
namespace {

size_t BytesOf(const std::vector<WorkerOutput>& lines) {
  size_t bytes = 0;
  for (const WorkerOutput& line : lines) {
    bytes += sizeof(line) + line.line.size() + line.label.size();
  }
  return bytes;
}

}  // namespace

OutputRelay::OutputRelay(Callback on_output, Post post,
                         std::function<void()> wake)
    : nonce_(MakeOutputNonce()),
      on_output_(std::move(on_output)),
      post_(std::move(post)),
      wake_(std::move(wake)) {}

void OutputRelay::Deliver(std::vector<WorkerOutput> lines) {
  if (lines.empty() || undelivered_ >= kMostBytes) return;
  const size_t bytes = BytesOf(lines);
  undelivered_ += bytes;
  post_([self = shared_from_this(), bytes, lines = std::move(lines)] {
    self->Run(lines, bytes);
  });
}

// A wake-up is never lost: whoever found the relay full looks again before it
// sleeps next, or is woken from that sleep.
void OutputRelay::Run(const std::vector<WorkerOutput>& lines, size_t bytes) {
  for (const WorkerOutput& line : lines) on_output_(line);
  const size_t before = undelivered_.fetch_sub(bytes);
  if (before >= kFullBytes / 2 && before - bytes < kFullBytes / 2) wake_();
}

bool OutputRelay::IsFull() {
  full_ = undelivered_ >= (full_ ? kFullBytes / 2 : kFullBytes);
  return full_;
}

}  // namespace multiproc
