#include "multiproc/pool/late_release.h"

#include <utility>

#include "absl/strings/string_view.h"

namespace multiproc {

absl::Cord ReleaseAsCallback(absl::Cord cord,
                             std::weak_ptr<FutureOwner> owner) {
  const std::shared_ptr<absl::Cord> shared(
      new absl::Cord(std::move(cord)),
      [owner = std::move(owner)](absl::Cord* last) {
        std::shared_ptr<absl::Cord> released(last);
        const std::shared_ptr<FutureOwner> poster = owner.lock();
        // Not a copy: the callback may be over before Post is.
        if (poster != nullptr) {
          poster->Post([released = std::move(released)] {});
        }
      });
  absl::Cord wrapped;
  for (const absl::string_view chunk : shared->Chunks()) {
    wrapped.Append(absl::MakeCordFromExternal(chunk, [shared] {}));
  }
  return wrapped;
}

}  // namespace multiproc
