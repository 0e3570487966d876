#include "multiproc/pool/answer_journal.h"

#include <atomic>

namespace multiproc {

char* AnswerJournal::Space(size_t size) {
  if (written_ == end_ && end_ != begin_) Restart(end_);
  if (size > WorkerMemory::kJournalBytes - (end_ - begin_)) return nullptr;
  return memory_->journal + (end_ - begin_);
}

void AnswerJournal::Commit(size_t size) {
  end_ += size;
  memory_->journal_end.store(end_, std::memory_order_release);
}

absl::string_view AnswerJournal::unwritten() const {
  return absl::string_view(memory_->journal + (written_ - begin_),
                           end_ - written_);
}

void AnswerJournal::Written(size_t size) { written_ += size; }

void AnswerJournal::Skip(size_t size) { Restart(end_ + size); }

// A parent that reads meanwhile must not take new bytes for old ones: it looks
// at the beginning before and after.
void AnswerJournal::Restart(uint64_t position) {
  begin_ = written_ = end_ = position;
  memory_->journal_begin.exchange(position, std::memory_order_acq_rel);
  memory_->journal_end.store(position, std::memory_order_release);
}

bool AnswerJournal::ReadFrom(uint64_t position, std::string* out) const {
  const uint64_t end = memory_->journal_end.load(std::memory_order_acquire);
  const uint64_t begin = memory_->journal_begin.load(std::memory_order_acquire);
  if (position < begin || position >= end ||
      end - begin > WorkerMemory::kJournalBytes) {
    return false;
  }
  const size_t size = out->size();
  out->append(memory_->journal + (position - begin), end - position);
  // Not a load, which could come before what was copied.
  if (memory_->journal_begin.fetch_add(0, std::memory_order_acq_rel) == begin) {
    return true;
  }
  out->resize(size);
  return false;
}

}  // namespace multiproc
