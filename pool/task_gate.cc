#include "multiproc/pool/task_gate.h"

namespace multiproc {
namespace {

// The word: the number of closes above, that of tasks begun below. Each counts
// modulo 2^32, and neither carries into the other.
constexpr uint64_t MakeWord(uint32_t closes, uint32_t begun) {
  return uint64_t{closes} << 32 | begun;
}
constexpr uint32_t ClosesOf(uint64_t word) {
  return static_cast<uint32_t>(word >> 32);
}
constexpr uint32_t BegunOf(uint64_t word) {
  return static_cast<uint32_t>(word);
}

}  // namespace

uint32_t TaskGate::begun() const { return BegunOf(word_->load()); }

uint32_t TaskGate::Close() { return BegunOf(word_->fetch_add(MakeWord(1, 0))); }

bool TaskGate::TryBegin() {
  uint64_t seen = word_->load();
  do {
    if (ClosesOf(seen) != reopened_) return false;
  } while (!word_->compare_exchange_weak(
      seen, MakeWord(ClosesOf(seen), BegunOf(seen) + 1)));
  return true;
}

}  // namespace multiproc
