// A timeout as poll(2), epoll_wait(2) and WaitForSingleObject take it.

#ifndef MULTIPROC_EXECUTORS_POLL_TIMEOUT_H_
#define MULTIPROC_EXECUTORS_POLL_TIMEOUT_H_

#include <algorithm>
#include <climits>
#include <cstdint>

#include "absl/time/time.h"

namespace multiproc {

// Milliseconds, -1 for an infinite timeout (which is Windows's INFINITE).
// Rounded up, or whoever waits for something that is due in half a millisecond
// would spin; a timeout that is longer than an int can say is cut, so the
// caller looks at the clock again.
inline int PollTimeout(absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return -1;
  const int64_t milliseconds = absl::ToInt64Milliseconds(
      timeout + absl::Milliseconds(1) - absl::Nanoseconds(1));
  return static_cast<int>(std::clamp<int64_t>(milliseconds, 0, INT_MAX));
}

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_POLL_TIMEOUT_H_
