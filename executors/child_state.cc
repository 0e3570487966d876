#include "multiproc/executors/child_state.h"

#include <cstdlib>
#include <new>
#include <utility>

#include "absl/base/no_destructor.h"
#include "absl/time/time.h"

namespace multiproc {

ChildState::ChildState(std::unique_ptr<ChildHandle> child, StdioEnds stdio_ends,
                       std::string name, bool daemon)
    : ends(std::move(stdio_ends)),
      on_destroy(daemon ? Process::OnDestroy::kDetach
                        : Process::OnDestroy::kJoin),
      child_(std::move(child)),
      name_(std::move(name)),
      daemon_(daemon) {
  ChildRegistry::Get().Add(this);
  if (daemon) {
    [[maybe_unused]] static const int once = std::atexit(KillDaemons);
  }
}

ChildState::~ChildState() { ChildRegistry::Get().Remove(this); }

std::optional<ExitStatus> ChildState::exit_status() const {
  absl::MutexLock lock(&mutex_);
  return exit_status_;
}

bool ChildState::HasEnded() const {
  return exit_status().has_value() ||
         WaitReadable(child_->exit_event(), absl::ZeroDuration());
}

absl::StatusOr<ExitStatus> ChildState::Reap() {
  absl::MutexLock lock(&mutex_);
  if (!exit_status_.has_value()) {
    absl::StatusOr<ExitStatus> reaped = child_->Reap();
    if (!reaped.ok()) return reaped;
    exit_status_ = *reaped;
  }
  return *exit_status_;
}

absl::Status ChildState::Signal(absl::Status (ChildHandle::*send)()) {
  absl::MutexLock lock(&mutex_);
  if (exit_status_.has_value()) return absl::OkStatus();
  return (child_.get()->*send)();
}

// Never destroyed: processes are ended by destructors of statics, too.
ChildRegistry& ChildRegistry::Get() {
  static absl::NoDestructor<ChildRegistry> registry;
  return *registry;
}

void ChildRegistry::ForgetInForkedChild() { new (&Get()) ChildRegistry; }

void ChildRegistry::Add(ChildState* child) {
  absl::MutexLock lock(&mutex_);
  children_.insert(child);
}

void ChildRegistry::Remove(ChildState* child) {
  absl::MutexLock lock(&mutex_);
  children_.erase(child);
}

void ChildRegistry::ForEach(absl::FunctionRef<void(ChildState&)> visit) {
  absl::MutexLock lock(&mutex_);
  for (ChildState* const child : children_) visit(*child);
}

void KillDaemons() {
  ChildRegistry::Get().ForEach([](ChildState& child) {
    if (child.daemon()) child.Signal(&ChildHandle::Kill).IgnoreError();
  });
}

}  // namespace multiproc
