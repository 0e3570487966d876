#include "multiproc/pool/parent_watch.h"

#include "multiproc/executors/library_thread.h"

namespace multiproc {

absl::StatusOr<ParentWatch> ParentWatch::Start(FileHandle requests,
                                               FileHandle responses) {
  auto flags = std::make_shared<Flags>();
  absl::Status started = LibraryThread::StartDetached(
      [requests, responses, flags] { Run(requests, responses, *flags); });
  if (!started.ok()) return started;
  return ParentWatch(std::move(flags));
}

bool ParentWatch::BeginTask() {
  flags_->busy = true;
  if (!flags_->parent_is_gone) return true;
  flags_->busy = false;
  return false;
}

// What the other side reads of it a little later does no harm.
void ParentWatch::EndTask() {
  flags_->busy.store(false, std::memory_order_release);
}

}  // namespace multiproc
