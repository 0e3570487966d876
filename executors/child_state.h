// What stands behind a Process, at one place while that is moved about, and the
// registry of all that there are. Private to this folder.
//
// Thread-safe, but for `ends` and `on_destroy`.

#ifndef MULTIPROC_EXECUTORS_CHILD_STATE_H_
#define MULTIPROC_EXECUTORS_CHILD_STATE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/process.h"

namespace multiproc {

class ChildState {
 public:
  // One that is in the registry until its destructor takes it out. A daemon
  // that comes after KillDaemons is killed at once.
  static std::shared_ptr<ChildState> Make(std::unique_ptr<ChildHandle> child,
                                          StdioEnds ends, std::string name,
                                          bool daemon);
  ~ChildState();

  ChildState(const ChildState&) = delete;
  ChildState& operator=(const ChildState&) = delete;

  const ChildHandle& child() const { return *child_; }
  const std::string& name() const { return name_; }
  bool daemon() const { return daemon_; }

  // Whether this process has made it. What another one had when it was forked
  // is that one's.
  bool is_own() const;

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
  ChildState(std::unique_ptr<ChildHandle> child, StdioEnds ends,
             std::string name, bool daemon);

  const std::unique_ptr<ChildHandle> child_;
  const std::string name_;
  const bool daemon_;
  const int64_t owner_;
  // Held while the child is signaled or reaped; the other never for long, as
  // what a ChildHandle does may look at all children.
  absl::Mutex mutex_;
  mutable absl::Mutex status_mutex_ ABSL_ACQUIRED_AFTER(mutex_);
  std::optional<ExitStatus> exit_status_ ABSL_GUARDED_BY(status_mutex_);
};

// All children that this process has a Process of, and those detached.
class ChildRegistry {
 public:
  static ChildRegistry& Get();

  // Its lock may be held by a thread that does not exist here: it is not
  // destroyed, another takes its place, which is empty.
  static void ForgetInForkedChild();

  void Add(const std::shared_ptr<ChildState>& child);
  // Harmless for one that was forgotten.
  void Remove(const ChildState* child);

  // Those of this process that there are now, in no order. No lock is held
  // while they are used: what a ChildHandle does may start processes.
  std::vector<std::shared_ptr<ChildState>> Children();

  // See below, and whether it was called.
  void KillDaemons();
  bool is_exiting() const { return is_exiting_; }

 private:
  absl::Mutex mutex_;
  std::unordered_map<const ChildState*, std::weak_ptr<ChildState>> children_
      ABSL_GUARDED_BY(mutex_);
  // The process that has last added a daemon; 0 for none.
  std::atomic<int64_t> daemons_owner_{0};
  std::atomic<bool> is_exiting_{false};
};

// What the end of a process does with its daemons (Command::daemon): kills
// them, and at once any that another thread, or a destructor, starts yet.
// Called by exit(3); by backends, where a process ends without that. Does
// nothing to those of the process that this one was forked from, by fork(2)
// itself, whose exit handlers it has.
void KillDaemons();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CHILD_STATE_H_
