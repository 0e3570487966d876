#include "multiproc/executors/child_state.h"

#include <cstdlib>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/no_destructor.h"
#include "absl/time/time.h"
#include "multiproc/executors/current_process.h"

namespace multiproc {

ChildState::ChildState(std::unique_ptr<ChildHandle> child, StdioEnds stdio_ends,
                       std::string name, bool daemon)
    : ends(std::move(stdio_ends)),
      on_destroy(daemon ? Process::OnDestroy::kDetach
                        : Process::OnDestroy::kJoin),
      child_(std::move(child)),
      name_(std::move(name)),
      daemon_(daemon),
      owner_(CurrentPid()) {}

std::shared_ptr<ChildState> ChildState::Make(std::unique_ptr<ChildHandle> child,
                                             StdioEnds ends, std::string name,
                                             bool daemon) {
  std::shared_ptr<ChildState> state(new ChildState(
      std::move(child), std::move(ends), std::move(name), daemon));
  if (daemon) {
    [[maybe_unused]] static const int once =
        std::atexit(multiproc::KillDaemons);
  }
  ChildRegistry::Get().Add(state);
  return state;
}

ChildState::~ChildState() { ChildRegistry::Get().Remove(this); }

std::optional<ExitStatus> ChildState::exit_status() const {
  absl::MutexLock lock(&status_mutex_);
  return exit_status_;
}

bool ChildState::is_own() const { return owner_ == CurrentPid(); }

bool ChildState::HasEnded() const {
  return exit_status().has_value() ||
         WaitReadable(child_->exit_event(), absl::ZeroDuration());
}

absl::StatusOr<ExitStatus> ChildState::Reap() {
  absl::MutexLock lock(&mutex_);
  const std::optional<ExitStatus> known = exit_status();
  if (known.has_value()) return *known;
  absl::StatusOr<ExitStatus> reaped = child_->Reap();
  if (!reaped.ok()) return reaped;
  absl::MutexLock status_lock(&status_mutex_);
  exit_status_ = *reaped;
  return reaped;
}

absl::Status ChildState::Signal(absl::Status (ChildHandle::*send)()) {
  absl::MutexLock lock(&mutex_);
  if (exit_status().has_value()) return absl::OkStatus();
  return (child_.get()->*send)();
}

// Never destroyed: processes are ended by destructors of statics, too.
ChildRegistry& ChildRegistry::Get() {
  static absl::NoDestructor<ChildRegistry> registry;
  return *registry;
}

// The parent's is not destroyed, as others may hold its lock there. Its bytes
// are kept, so that those who look for leaks find what it has.
void ChildRegistry::ForgetInForkedChild() {
  static absl::NoDestructor<std::vector<std::string>> forgotten;
  forgotten->emplace_back(reinterpret_cast<const char*>(&Get()),
                          sizeof(ChildRegistry));
  new (&Get()) ChildRegistry;
}

void ChildRegistry::Add(const std::shared_ptr<ChildState>& child) {
  if (child->daemon()) daemons_owner_ = CurrentPid();
  {
    absl::MutexLock lock(&mutex_);
    children_.emplace(child.get(), child);
  }
  // Either this sees that, or KillDaemons sees the child.
  if (child->daemon() && is_exiting_) {
    child->Signal(&ChildHandle::Kill).IgnoreError();
  }
}

void ChildRegistry::Remove(const ChildState* child) {
  absl::MutexLock lock(&mutex_);
  children_.erase(child);
}

std::vector<std::shared_ptr<ChildState>> ChildRegistry::Children() {
  std::vector<std::shared_ptr<ChildState>> all;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [key, child] : children_) all.push_back(child.lock());
  }
  // Some may be the last to be held, and are let go without the lock.
  std::vector<std::shared_ptr<ChildState>> own;
  for (std::shared_ptr<ChildState>& child : all) {
    if (child != nullptr && child->is_own()) own.push_back(std::move(child));
  }
  return own;
}

void ChildRegistry::KillDaemons() {
  is_exiting_ = true;
  // The lock may be held by a thread that there is in the parent only.
  if (daemons_owner_ != CurrentPid()) return;
  for (const std::shared_ptr<ChildState>& child : Children()) {
    if (child->daemon()) child->Signal(&ChildHandle::Kill).IgnoreError();
  }
}

void KillDaemons() { ChildRegistry::Get().KillDaemons(); }

}  // namespace multiproc
