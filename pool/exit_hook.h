// A function that is called when the program exits, before the destructors of
// static variables: also of those that were made after it was first set, such
// as a static pool.
//
//   ExitHook::Set(EndAll);       // at any time
//   ExitHook::Renew();           // when such a variable is first used
//
// Handlers of exit and destructors run in the reverse order of their
// registration (C++ standard, [basic.start.term]), and a variable's destructor
// is registered when its initialisation is done. So what is registered when the
// variable is used runs before it is destroyed.
//
// Thread-safe, but not to be called with a lock that the function takes: some
// systems have one around their list of handlers. The function is called once
// more for each Renew.

#ifndef MULTIPROC_POOL_EXIT_HOOK_H_
#define MULTIPROC_POOL_EXIT_HOOK_H_

#include <atomic>
#include <cstdlib>

namespace multiproc {

class ExitHook {
 public:
  // `function` is the same each time.
  static void Set(void (*function)()) {
    if (function_.exchange(function) == nullptr) std::atexit(function);
  }

  // Registers what was set, if anything was, once more.
  static void Renew() {
    void (*const function)() = function_.load();
    if (function != nullptr) std::atexit(function);
  }

 private:
  inline static std::atomic<void (*)()> function_{nullptr};
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_EXIT_HOOK_H_
