#ifdef _WIN32
#error "Windows builds parent_watch_win.cc"
#endif

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "multiproc/executors/library_thread.h"
#include "multiproc/pool/parent_watch.h"

namespace multiproc {

ParentWatch::ParentWatch(FileHandle channel)
    : flags_(std::make_shared<Flags>()) {
  LibraryThread::RunDetached(
      [channel, flags = flags_] { Run(channel, *flags); });
}

void ParentWatch::Run(FileHandle channel, Flags& flags) {
  // No event is asked for: poll(2) reports POLLHUP, that nobody holds the other
  // end, without being asked, and requests don't wake this thread.
  struct pollfd entry = {channel, 0, 0};
  while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
  }
  flags.parent_is_gone = true;
  // Not exit: the task is running in the midst of what exit would destroy.
  if (flags.busy) _exit(1);
}

bool ParentWatch::BeginTask() {
  flags_->busy = true;
  if (!flags_->parent_is_gone) return true;
  flags_->busy = false;
  return false;
}

void ParentWatch::EndTask() { flags_->busy = false; }

}  // namespace multiproc
