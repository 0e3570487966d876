#ifdef _WIN32
#error "Windows builds parent_watch_win.cc"
#endif

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/pool/parent_watch.h"

namespace multiproc {

namespace {

// Waits until nobody holds the other end of the pipe: POLLHUP where it is read,
// POLLERR where it is written. Neither POLLIN nor POLLOUT: requests don't wake
// this thread. poll(2) reports both without being asked, on Linux; asking does
// no harm.
void WaitForOtherEnd(FileHandle handle) {
  struct pollfd entry = {handle, POLLHUP, 0};
  while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace

void ParentWatch::Run(FileHandle requests, FileHandle responses, Flags& flags) {
  WaitForOtherEnd(requests);
  flags.parent_is_gone = true;
  // Not exit: the task is running in the midst of what exit would destroy.
  if (flags.busy) _exit(1);
  // The worker leaves by itself, with the time that its parent grants it; and
  // nobody grants an orphan any.
  WaitForOtherEnd(responses);
  absl::SleepFor(absl::Milliseconds(500));
  _exit(1);
}

}  // namespace multiproc
