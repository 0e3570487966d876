// What a thread keeps of great memory that it released, for the next that it
// needs: to make a page of memory anew costs more than to copy it.
//
//   std::string* kept = KeptByThisThread<std::string>();
//   if (kept != nullptr) ... take it, or put another there ...
//
// Thread-safe: each thread has its own.

#ifndef MULTIPROC_FUNCTIONS_KEPT_BY_THREAD_H_
#define MULTIPROC_FUNCTIONS_KEPT_BY_THREAD_H_

#include <cstddef>

namespace multiproc {

// One piece of each kind, up to this many bytes.
inline constexpr size_t kLargestKept = size_t{4} << 20;

template <typename T>
class KeptPiece {
 public:
  ~KeptPiece() { thread_has_ended_ = true; }

  static T* OfThisThread() {
    if (thread_has_ended_) return nullptr;
    thread_local KeptPiece piece;
    return &piece.value_;
  }

 private:
  // What outlives the thread's own objects, such as a static one, still takes
  // and releases. This has no destructor, and so is there.
  inline static thread_local bool thread_has_ended_ = false;

  T value_;
};

// The piece of type T, at first a default one; null in a thread that has ended.
template <typename T>
T* KeptByThisThread() {
  return KeptPiece<T>::OfThisThread();
}

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_KEPT_BY_THREAD_H_
