#include "multiproc/executors/process.h"

#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/no_destructor.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/executors/child_state.h"

namespace multiproc {

namespace {

absl::Status NoProcessError() {
  return absl::FailedPreconditionError(
      "there is no process: this Process was never started, or moved from");
}

// Children whose Process was destroyed with kDetach, until they end: somebody
// has to collect them, or they stay zombies.
class DetachedChildren {
 public:
  // Never destroyed: children are detached by destructors of statics, too.
  static DetachedChildren& Get() {
    static absl::NoDestructor<DetachedChildren> children;
    return *children;
  }

  // Its lock may be held by a thread that does not exist here: it is not
  // destroyed, another takes its place.
  static void ForgetInForkedChild() { new (&Get()) DetachedChildren; }

  void Add(Process process) {
    absl::MutexLock lock(&mutex_);
    CollectEnded();
    processes_.push_back(std::move(process));
  }

  void Collect() {
    absl::MutexLock lock(&mutex_);
    CollectEnded();
  }

 private:
  void CollectEnded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (size_t i = processes_.size(); i-- > 0;) {
      if (!processes_[i].WaitWithTimeout(absl::ZeroDuration()).ok()) continue;
      std::swap(processes_[i], processes_.back());
      processes_.pop_back();
    }
  }

  absl::Mutex mutex_;
  std::vector<Process> processes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

Process::Process() = default;

Process::Process(Process&&) noexcept = default;

Process::Process(std::unique_ptr<ChildHandle> child, StdioEnds ends)
    : Process(ChildState::Make(std::move(child), std::move(ends), "",
                               /*daemon=*/false)) {}

Process::Process(std::unique_ptr<ChildHandle> child, StdioEnds ends,
                 const Command& command)
    : Process(ChildState::Make(std::move(child), std::move(ends),
                               NameOf(command), command.daemon)) {}

Process::Process(std::shared_ptr<ChildState> state) : state_(std::move(state)) {
  CollectDetached();
}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    Finish();
    state_ = std::move(other.state_);
  }
  return *this;
}

Process::~Process() { Finish(); }

void Process::Finish() {
  if (state_ == nullptr) return;
  if (WaitWithTimeout(absl::ZeroDuration()).ok()) return;
  // A child that reads its input to the end would otherwise never end.
  state_->ends = StdioEnds();
  switch (state_->on_destroy) {
    case OnDestroy::kDetach: {
      state_->on_destroy = OnDestroy::kJoin;
      DetachedChildren::Get().Add(std::move(*this));
      return;
    }
    case OnDestroy::kTerminate:
      // Windows has programs that can't be asked.
      if (!Terminate().ok()) Kill().IgnoreError();
      break;
    case OnDestroy::kKill:
      Kill().IgnoreError();
      break;
    case OnDestroy::kJoin:
      break;
  }
  Wait().IgnoreError();
}

int64_t Process::pid() const {
  return state_ == nullptr ? 0 : state_->child().pid();
}

std::string Process::name() const {
  return state_ == nullptr ? "" : state_->name();
}

absl::StatusOr<ExitStatus> Process::WaitWithTimeout(absl::Duration timeout) {
  if (state_ == nullptr) return NoProcessError();
  const std::optional<ExitStatus> known = state_->exit_status();
  if (known.has_value()) return *known;
  if (!WaitReadable(state_->child().exit_event(), timeout)) {
    return absl::DeadlineExceededError(
        absl::StrCat("process ", pid(), " ('", state_->name(),
                     "') still runs after ", absl::FormatDuration(timeout)));
  }
  return state_->Reap();
}

bool Process::IsRunning() {
  return absl::IsDeadlineExceeded(
      WaitWithTimeout(absl::ZeroDuration()).status());
}

absl::Status Process::Interrupt() {
  if (state_ == nullptr) return NoProcessError();
  return state_->Signal(&ChildHandle::Interrupt);
}

absl::Status Process::Terminate() {
  if (state_ == nullptr) return NoProcessError();
  return state_->Signal(&ChildHandle::Terminate);
}

absl::Status Process::Kill() {
  if (state_ == nullptr) return NoProcessError();
  return state_->Signal(&ChildHandle::Kill);
}

// What came of having `sent` a signal: its error, or the end of the child.
absl::StatusOr<ExitStatus> Process::SignalAndWait(absl::Status sent,
                                                  absl::Duration timeout) {
  if (!sent.ok()) return sent;
  return WaitWithTimeout(timeout);
}

absl::StatusOr<ExitStatus> Process::Stop(const StopOptions& options) {
  absl::StatusOr<ExitStatus> status = WaitWithTimeout(absl::ZeroDuration());
  if (absl::IsDeadlineExceeded(status.status()) &&
      options.after_close > absl::ZeroDuration()) {
    standard_input().reset();
    status = WaitWithTimeout(options.after_close);
  }
  if (absl::IsDeadlineExceeded(status.status()) &&
      options.after_terminate > absl::ZeroDuration()) {
    status = SignalAndWait(Terminate(), options.after_terminate);
  }
  // A child that can't be asked is one that has not ended.
  if (!status.ok() && state_ != nullptr &&
      options.after_kill > absl::ZeroDuration()) {
    status = SignalAndWait(Kill(), options.after_kill);
  }
  return status;
}

absl::Status Process::KillTree() {
  if (state_ == nullptr) return NoProcessError();
  return state_->Signal(&ChildHandle::KillTree);
}

FileHandle Process::exit_event() const {
  return state_ == nullptr ? kInvalidFileHandle : state_->child().exit_event();
}

namespace {
// What a Process without a process gives a reference to.
ScopedFileHandle& NoHandle() {
  static thread_local ScopedFileHandle none;
  none.reset();
  return none;
}
}  // namespace

ScopedFileHandle& Process::standard_input() {
  return state_ == nullptr ? NoHandle() : state_->ends.standard_input;
}

ScopedFileHandle& Process::standard_output() {
  return state_ == nullptr ? NoHandle() : state_->ends.standard_output;
}

ScopedFileHandle& Process::standard_error() {
  return state_ == nullptr ? NoHandle() : state_->ends.standard_error;
}

void Process::CollectDetached() {
  // At its end a process leaves them to the system: to reap one here could wait
  // for a KillDaemons that waits for this.
  if (ChildRegistry::Get().is_exiting()) return;
  DetachedChildren::Get().Collect();
}

void Process::ForgetAllInForkedChild() {
  DetachedChildren::ForgetInForkedChild();
  ChildRegistry::ForgetInForkedChild();
}

void Process::set_on_destroy(OnDestroy policy) {
  if (state_ != nullptr) state_->on_destroy = policy;
}

}  // namespace multiproc
