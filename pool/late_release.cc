#include "multiproc/pool/late_release.h"

#include <utility>

#include "absl/strings/string_view.h"

namespace multiproc {

absl::Cord LateRelease::Wrap(absl::Cord cord) {
  const std::shared_ptr<absl::Cord> owner(
      new absl::Cord(std::move(cord)), [waiting = waiting_](absl::Cord* last) {
        absl::MutexLock lock(&waiting->mutex);
        waiting->cords.push_back(std::move(*last));
        waiting->any.store(true, std::memory_order_release);
        delete last;
      });
  absl::Cord wrapped;
  for (const absl::string_view chunk : owner->Chunks()) {
    wrapped.Append(absl::MakeCordFromExternal(chunk, [owner] {}));
  }
  return wrapped;
}

std::vector<absl::Cord> LateRelease::Take() {
  std::vector<absl::Cord> cords;
  if (!waiting_->any.load(std::memory_order_acquire)) return cords;
  absl::MutexLock lock(&waiting_->mutex);
  cords.swap(waiting_->cords);
  waiting_->any.store(false, std::memory_order_release);
  return cords;
}

}  // namespace multiproc
