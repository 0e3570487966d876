// What a worker has answered and not yet written to its pipe, in memory that it
// shares with its parent: so an answer is safe the moment that it is made, and
// one write can carry many.
//
//   // The worker's side:
//   char* space = journal.Space(frame.size());        // null: write first
//   ... fill it ...
//   journal.Commit(frame.size());
//   ... write journal.unwritten() to the pipe ...
//   journal.Written(bytes);
//
//   // The parent's, when the worker is gone or slow to write:
//   std::string rest;
//   journal.ReadFrom(received_bytes, &rest);
//
// Both sides count the bytes of the stream of frames: the pipe carries it, and
// the journal holds its last piece. The parent goes on in the journal where the
// pipe ended, in the middle of a frame, too: however the worker died, what it
// has answered is there.
//
// The worker may write anything to the memory: ReadFrom checks the counts, and
// what it returns is read as frames, like all that a worker sends.
//
// Thread-safety: one thread of the worker's, one of the parent's, but for
// HasFrom.

#ifndef MULTIPROC_POOL_ANSWER_JOURNAL_H_
#define MULTIPROC_POOL_ANSWER_JOURNAL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "multiproc/pool/worker_memory.h"

namespace multiproc {

class AnswerJournal {
 public:
  // `memory` must outlive the journal.
  explicit AnswerJournal(WorkerMemory* memory) : memory_(memory) {}

  // ---- The worker's side ----

  // Room for `size` bytes behind what is committed, or null if there is none
  // until that is written.
  char* Space(size_t size);
  // The first `size` bytes of it, whole frames, are answers from now on.
  void Commit(size_t size);

  // What is committed, and not written to the pipe.
  absl::string_view unwritten() const;
  // That `size` bytes of it are.
  void Written(size_t size);

  // Counts `size` bytes of the stream that go to the pipe without the journal,
  // which has nothing unwritten then.
  void Skip(size_t size);

  // ---- The parent's ----

  // Whether more than the first `position` bytes of the stream are in the
  // journal or have passed it: to be asked by any thread, at no cost.
  bool HasFrom(uint64_t position) const {
    return memory_->journal_end.load(std::memory_order_acquire) > position;
  }

  // Appends to `out` what the stream has from its byte `position` on, as far as
  // the journal holds it; whether that is anything.
  bool ReadFrom(uint64_t position, std::string* out) const;

 private:
  void Restart(uint64_t position);

  WorkerMemory* const memory_;
  // Of the worker: positions in the stream.
  uint64_t begin_ = 0;
  uint64_t written_ = 0;
  uint64_t end_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_ANSWER_JOURNAL_H_
