// Ends a test program that hangs, and says where.
//
//   const ChaosWatchdog watchdog(absl::Minutes(1), [&] { return state; });
//   ... what must not take longer ...
//
// Thread-safety: as its creator uses it.

#ifndef MULTIPROC_TESTS_CHAOS_WATCHDOG_H_
#define MULTIPROC_TESTS_CHAOS_WATCHDOG_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "multiproc/executors/library_thread.h"

namespace multiproc {

class ChaosWatchdog {
 public:
  // If it lives for `limit`, prints what `describe` returns, unless that hangs,
  // too, and aborts. On a thread of the library's, beside which the fork
  // backend works.
  ChaosWatchdog(absl::Duration limit, std::function<std::string()> describe);
  ~ChaosWatchdog();

  ChaosWatchdog(const ChaosWatchdog&) = delete;
  ChaosWatchdog& operator=(const ChaosWatchdog&) = delete;

 private:
  void Watch();

  const absl::Duration limit_;
  const std::function<std::string()> describe_;
  absl::Notification over_;
  std::unique_ptr<LibraryThread> thread_;
};

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_CHAOS_WATCHDOG_H_
