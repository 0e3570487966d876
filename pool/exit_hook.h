// A function that is called when the program exits, before the destructors of
// static variables: also of those that were made after it was first set, such
// as a static pool.
//
//   ExitHook::Set(EndAll);       // once for each such variable, at any time
//   ExitHook::Renew();           // when it is used: costs nothing mostly
//
// Handlers of exit and destructors run in the reverse order of their
// registration (C++ standard, [basic.start.term]), and a variable's destructor
// is registered when its initialisation is done. So what is registered when the
// variable is used runs before it is destroyed.
//
// Thread-safe. The function may be called several times.

#ifndef MULTIPROC_POOL_EXIT_HOOK_H_
#define MULTIPROC_POOL_EXIT_HOOK_H_

#include <atomic>
#include <cstdlib>

namespace multiproc {

class ExitHook {
 public:
  // Registers `function`, which must be the same each time, and lets the next
  // Renew do it again.
  static void Set(void (*function)()) {
    std::atexit(function);
    due_.store(function, std::memory_order_release);
  }

  static void Renew() {
    if (due_.load(std::memory_order_relaxed) == nullptr) return;
    void (*const function)() =
        due_.exchange(nullptr, std::memory_order_acq_rel);
    if (function != nullptr) std::atexit(function);
  }

 private:
  inline static std::atomic<void (*)()> due_{nullptr};
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_EXIT_HOOK_H_
