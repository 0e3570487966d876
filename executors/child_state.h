// What stands behind a Process, at one place while that is moved about, and the
// registry of all that there are. Private to this folder.
//
// Thread-safe, but for `ends` and `on_destroy`.

#ifndef MULTIPROC_EXECUTORS_CHILD_STATE_H_
#define MULTIPROC_EXECUTORS_CHILD_STATE_H_

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/process.h"

namespace multiproc {

class ChildState {
 public:
  // Adds itself to the registry, and the destructor takes it out.
  ChildState(std::unique_ptr<ChildHandle> child, StdioEnds ends,
             std::string name, bool daemon);
  ~ChildState();

  ChildState(const ChildState&) = delete;
  ChildState& operator=(const ChildState&) = delete;

  const ChildHandle& child() const { return *child_; }
  const std::string& name() const { return name_; }
  bool daemon() const { return daemon_; }

  // How it ended, if that was asked for before.
  std::optional<ExitStatus> exit_status() const;

  // Whether it has ended, asked for or not.
  bool HasEnded() const;

  // Collects the status of the child, whose exit event is readable.
  absl::StatusOr<ExitStatus> Reap();

  // Nothing for a child whose end was collected: its pid may be another
  // process's by now.
  absl::Status Signal(absl::Status (ChildHandle::*send)());

  StdioEnds ends;
  Process::OnDestroy on_destroy;

 private:
  const std::unique_ptr<ChildHandle> child_;
  const std::string name_;
  const bool daemon_;
  mutable absl::Mutex mutex_;
  std::optional<ExitStatus> exit_status_ ABSL_GUARDED_BY(mutex_);
};

// All children that this process has a Process of, and those detached.
class ChildRegistry {
 public:
  static ChildRegistry& Get();

  // Its lock may be held by a thread that does not exist here: it is not
  // destroyed, another takes its place, which is empty.
  static void ForgetInForkedChild();

  void Add(ChildState* child);
  // Harmless for one that was forgotten.
  void Remove(ChildState* child);

  // No child leaves meanwhile, so `visit` must not destroy a Process.
  void ForEach(absl::FunctionRef<void(ChildState&)> visit);

 private:
  absl::Mutex mutex_;
  std::unordered_set<ChildState*> children_ ABSL_GUARDED_BY(mutex_);
};

// What the end of a process does with its daemons (Command::daemon): kills
// them. Called by exit(3); by backends, where a process ends without that.
void KillDaemons();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CHILD_STATE_H_
