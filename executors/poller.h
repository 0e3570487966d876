// Waits for any of many handles: epoll(7) on Linux, a completion port on
// Windows, poll(2) elsewhere. With a wake-up for other threads, of which any
// number make one.
//
//   poller.Watch(handle, /*token=*/7, Poller::kReadable);
//   poller.Wait(absl::Seconds(1), &tokens);   // tokens == {7}
//
// Thread-safety: any thread may call Wake at any time, and all but Wait while
// another thread waits: what is watched then is watched by that Wait already.

#ifndef MULTIPROC_EXECUTORS_POLLER_H_
#define MULTIPROC_EXECUTORS_POLLER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

class Poller {
 public:
  enum Interest { kReadable, kWritable };

  // An error of the system's, such as RESOURCE_EXHAUSTED if there are too many
  // open files.
  static absl::StatusOr<std::unique_ptr<Poller>> Create();

  virtual ~Poller() = default;

  // Says that `handle` will be watched by this poller, and by no other, before
  // the first read or write on it: what is under way on Windows before that is
  // never reported. Watch does the same, if it comes first.
  virtual absl::Status Prepare(FileHandle handle) = 0;

  // Reports `token` from Wait as long as `handle` is ready: for reading (or at
  // its end), or for writing (or broken). One call for each handle, until
  // Forget. `handle` must stay open until then. On Windows it is the
  // non-blocking end of a pipe, or anything else that can be waited for, such
  // as an exit event; INVALID_ARGUMENT for a blocking pipe.
  virtual absl::Status Watch(FileHandle handle, uint64_t token,
                             Interest interest) = 0;
  virtual void Forget(FileHandle handle) = 0;

  // Waits until a handle is ready, Wake was called, or `timeout` has passed,
  // and fills `tokens` with those of the ready handles, some hundred at a time.
  virtual void Wait(absl::Duration timeout, std::vector<uint64_t>* tokens) = 0;

  // Ends the current Wait, or the next one.
  virtual void Wake() = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_POLLER_H_
