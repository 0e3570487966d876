// A great Cord of a caller of Submit, whose memory is released where callbacks
// run: what that takes is the caller's code, which must not run under the
// pool's locks, nor on the thread that serves the workers.
//
//   call.great_arguments =
//       ReleaseAsCallback(std::move(call.great_arguments), loop);

#ifndef MULTIPROC_POOL_LATE_RELEASE_H_
#define MULTIPROC_POOL_LATE_RELEASE_H_

#include <memory>

#include "absl/strings/cord.h"
#include "multiproc/pool/future_state.h"

namespace multiproc {

// The bytes of `cord`; once nobody has any of them, `owner` gets a callback to
// post that releases `cord`. If `owner` is gone, it is released at once.
// Thread-safe.
absl::Cord ReleaseAsCallback(absl::Cord cord, std::weak_ptr<FutureOwner> owner);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_LATE_RELEASE_H_
