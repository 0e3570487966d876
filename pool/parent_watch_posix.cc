#ifdef _WIN32
#error "Windows builds parent_watch_win.cc"
#endif

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "multiproc/executors/library_thread.h"
#include "multiproc/pool/parent_watch.h"

namespace multiproc {

absl::StatusOr<ParentWatch> ParentWatch::Start(FileHandle channel) {
  auto flags = std::make_shared<Flags>();
  absl::Status started =
      LibraryThread::StartDetached([channel, flags] { Run(channel, *flags); });
  if (!started.ok()) return started;
  return ParentWatch(std::move(flags));
}

void ParentWatch::Run(FileHandle channel, Flags& flags) {
  // POLLHUP, that nobody holds the other end, and not POLLIN: requests don't
  // wake this thread. poll(2) reports it without being asked, on Linux; asking
  // does no harm.
  struct pollfd entry = {channel, POLLHUP, 0};
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
