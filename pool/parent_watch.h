// Ends a worker whose parent is gone, also in the middle of a task.
//
//   absl::StatusOr<ParentWatch> watch =
//       ParentWatch::Start(requests, responses);
//   while (watch->BeginTask()) {
//     ... run it ...
//     watch->EndTask();
//   }
//
// The parent's death is the end of the channel, which the kernel brings about
// however the parent died, on every system (unlike PR_SET_PDEATHSIG, which is
// Linux's and bound to the thread that forked, prctl(2)).
//
// Thread-safety: for the thread that serves tasks.

#ifndef MULTIPROC_POOL_PARENT_WATCH_H_
#define MULTIPROC_POOL_PARENT_WATCH_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

class ParentWatch {
 public:
  // Watches the handles that requests come from and responses go to, on a
  // thread of its own that lives as long as the process: so must they. The end
  // of the requests alone says that the worker is to leave; that nobody reads
  // the responses any more says that the parent is gone, and the process then
  // ends within half a second, whatever its exit handlers do. (On Windows only
  // the latter is seen: a pipe that is read from can't be asked about its end.)
  // RESOURCE_EXHAUSTED if there is no thread to be had.
  static absl::StatusOr<ParentWatch> Start(FileHandle requests,
                                           FileHandle responses);

  // One that watches nobody: no parent is ever gone.
  static ParentWatch OfNobody() {
    return ParentWatch(std::make_shared<Flags>());
  }

  // False if the parent is gone: no further task is to be run. From a true on,
  // until EndTask, the process ends at once when the parent does.
  bool BeginTask();
  void EndTask();

 private:
  // Of two flags each side sets its own before it reads the other's, so at
  // least one side sees that both are set.
  struct Flags {
    std::atomic<bool> busy{false};
    std::atomic<bool> parent_is_gone{false};
  };

  explicit ParentWatch(std::shared_ptr<Flags> flags)
      : flags_(std::move(flags)) {}

  static void Run(FileHandle requests, FileHandle responses, Flags& flags);

  // Shared with the thread, which outlives this object.
  std::shared_ptr<Flags> flags_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_PARENT_WATCH_H_
