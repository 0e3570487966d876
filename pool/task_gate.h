// What a worker has begun of the tasks that it was sent, and what of them it
// must not begin any more: one word of memory that it shares with its parent.
//
//   // The parent's side:
//   TaskGate gate(&memory->gate);
//   uint32_t begun = gate.Close();    // nothing is begun from here on ...
//   ... send kTakeBack, and then other tasks ...
//
//   // The worker's:
//   if (gate.TryBegin()) { ... run the task ... } else { ... drop it ... }
//   ... on kTakeBack: gate.Reopen() ...
//
// A worker that runs a long task reads nothing meanwhile, and so a message
// alone could not take back what waits behind it. With the gate the parent
// knows at once, and exactly, which tasks have been begun: Close and TryBegin
// are one atomic operation each, of which either comes first. A worker that is
// at a closed gate drops the requests that it reads, up to the kTakeBack that
// belongs to the Close, and runs those behind it.
//
// The worker may write anything to the word: the parent must check `begun`.
//
// Thread-safe, as far as parent and worker are each one thread at a time.

#ifndef MULTIPROC_POOL_TASK_GATE_H_
#define MULTIPROC_POOL_TASK_GATE_H_

#include <atomic>
#include <cstdint>

namespace multiproc {

class TaskGate {
 public:
  // `word` must outlive the gate.
  explicit TaskGate(std::atomic<uint64_t>* word) : word_(word) {}

  // How many tasks have been begun, modulo 2^32.
  uint32_t begun() const;

  // Lets the worker begin nothing more of what it was sent so far; returns
  // begun() at that moment.
  uint32_t Close();

  // Counts one more task as begun; false, without that, at a closed gate.
  bool TryBegin();

  // Takes note of the message that belongs to one Close.
  void Reopen() { ++reopened_; }

 private:
  std::atomic<uint64_t>* const word_;
  // Of the worker: how many times it was reopened. The gate is open if it was
  // closed as many times.
  uint32_t reopened_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_TASK_GATE_H_
