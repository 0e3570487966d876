// Lets `for` go over whatever has a Next that returns an optional: an input
// iterator. Not thread-safe.

#ifndef MULTIPROC_POOL_SEQUENCE_ITERATOR_H_
#define MULTIPROC_POOL_SEQUENCE_ITERATOR_H_

#include <cstddef>
#include <iterator>
#include <optional>

namespace multiproc {

// Of one pass: what it points at is replaced by the next step. Copies share the
// sequence.
template <typename Sequence>
class SequenceIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = typename Sequence::Item;
  using difference_type = std::ptrdiff_t;
  using pointer = value_type*;
  using reference = value_type&;

  // The end of every sequence.
  SequenceIterator() = default;
  // Takes the first item. `sequence` must outlive it.
  explicit SequenceIterator(Sequence* sequence) : sequence_(sequence) {
    ++*this;
  }

  // The item may be moved away.
  reference operator*() { return *item_; }
  pointer operator->() { return &*item_; }

  SequenceIterator& operator++() {
    item_ = sequence_->Next();
    if (!item_.has_value()) sequence_ = nullptr;
    return *this;
  }
  void operator++(int) { ++*this; }

  friend bool operator==(const SequenceIterator& a, const SequenceIterator& b) {
    return a.sequence_ == b.sequence_;
  }
  friend bool operator!=(const SequenceIterator& a, const SequenceIterator& b) {
    return !(a == b);
  }

 private:
  Sequence* sequence_ = nullptr;
  std::optional<value_type> item_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_SEQUENCE_ITERATOR_H_
