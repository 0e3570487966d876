// Great Cords of the callers of Submit, whose memory is released where none of
// the pool's locks is held: what that takes is the callers' code.
//
//   LateRelease late_release;
//   absl::Cord sent = late_release.Wrap(std::move(cord));
//   sent.Clear();                          // somewhere, with any lock held
//   std::vector<absl::Cord> left = late_release.Take();
//   ... give the lock up ...
//   left.clear();
//
// Thread-safe.

#ifndef MULTIPROC_POOL_LATE_RELEASE_H_
#define MULTIPROC_POOL_LATE_RELEASE_H_

#include <atomic>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/cord.h"
#include "absl/synchronization/mutex.h"

namespace multiproc {

class LateRelease {
 public:
  // The bytes of `cord`, which waits for Take once nobody has any of them. They
  // may outlive this object; what nobody takes is released with the last of
  // both.
  absl::Cord Wrap(absl::Cord cord);

  // Those that wait.
  std::vector<absl::Cord> Take();

 private:
  struct Waiting {
    absl::Mutex mutex;
    std::vector<absl::Cord> cords ABSL_GUARDED_BY(mutex);
    std::atomic<bool> any{false};
  };

  const std::shared_ptr<Waiting> waiting_ = std::make_shared<Waiting>();
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_LATE_RELEASE_H_
