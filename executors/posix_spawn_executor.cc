#include "multiproc/executors/posix_spawn_executor.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multiproc/executors/child_failure.h"
#include "multiproc/executors/close_from.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/flush_streams.h"
#include "multiproc/executors/handle_table.h"
#include "multiproc/executors/library_thread.h"
#include "multiproc/executors/posix_child.h"
#include "multiproc/executors/posix_error.h"
#include "multiproc/executors/spawn_plan.h"

#if defined(__GLIBC__) && !defined(MULTIPROC_PORTABLE_POSIX)
#if __GLIBC_PREREQ(2, 34)
#define MULTIPROC_HAVE_ADDCLOSEFROM 1
#endif
#endif

namespace multiproc {
namespace {

// Owns the C structures that posix_spawn wants. The first error is kept.
class SpawnRequest {
 public:
  SpawnRequest() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnRequest() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  SpawnRequest(const SpawnRequest&) = delete;
  SpawnRequest& operator=(const SpawnRequest&) = delete;

  void Fill(SpawnPlan& plan) {
    AddDirectory(plan);
    for (const SpawnPlan::Move& move : plan.moves) {
      Keep(posix_spawn_file_actions_adddup2(&actions_, move.from, move.to));
    }
    AddCloses(plan.first_closed);
    AddAttributes(plan);
  }

  // 0 or the error, also of what Fill did.
  int Spawn(SpawnPlan& plan, pid_t* pid) {
    if (error_ != 0) return error_;
    const HandleTable::ExecLock lock;
    return posix_spawn(pid, plan.path.c_str(), &actions_, &attributes_,
                       plan.arguments.ready(), plan.environment());
  }

 private:
  void Keep(int error) {
    if (error_ == 0) error_ = error;
  }

  void AddDirectory(const SpawnPlan& plan) {
    if (!plan.directory.is_valid()) return;
    Keep(
        posix_spawn_file_actions_addfchdir_np(&actions_, plan.directory.get()));
  }

  void AddCloses(int first) {
#ifdef MULTIPROC_HAVE_ADDCLOSEFROM
    Keep(posix_spawn_file_actions_addclosefrom_np(&actions_, first));
#elif !defined(POSIX_SPAWN_CLOEXEC_DEFAULT)
    for (const int fd : OpenDescriptorsFrom(first)) {
      Keep(posix_spawn_file_actions_addclose(&actions_, fd));
    }
#else
    (void)first;
#endif
  }

  void AddAttributes(const SpawnPlan& plan) {
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;  // NOLINT
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
    // It closes the standard streams, too, unless they are named.
    for (int fd = 0; fd < 3; ++fd) {
      Keep(posix_spawn_file_actions_addinherit_np(&actions_, fd));
    }
#endif
    sigset_t none;
    sigemptyset(&none);
    sigset_t defaults = none;
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    Keep(posix_spawnattr_setsigmask(&attributes_, &none));
    Keep(posix_spawnattr_setsigdefault(&attributes_, &defaults));
#ifdef POSIX_SPAWN_SETSID
    if (plan.new_session) flags |= POSIX_SPAWN_SETSID;
#endif
    if (plan.process_group.has_value()) {
      flags |= POSIX_SPAWN_SETPGROUP;
      Keep(posix_spawnattr_setpgroup(&attributes_,
                                     static_cast<pid_t>(*plan.process_group)));
    }
    Keep(posix_spawnattr_setflags(&attributes_, flags));
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  int error_ = 0;
};

// The child is to come to Initialize() by then, which sets the limits.
constexpr absl::Duration kLimitsTimeout = absl::Minutes(1);

// What is to set the limits says nothing.
absl::Status NoLimitsError(Process& process) {
  // If it runs, it has closed the pipe; if it has ended, that is how it did.
  process.Kill().IgnoreError();
  const absl::StatusOr<ExitStatus> status = process.Wait();
  return absl::InternalError(absl::StrCat(
      "the program that was to set the limits ended before it had: ",
      status.ok() ? status->ToString() : status.status().ToString()));
}

absl::Status LateLimitsError(Process& process) {
  process.Kill().IgnoreError();
  return absl::DeadlineExceededError(absl::StrCat(
      "the program that was to set the limits had not done so after ",
      absl::FormatDuration(kLimitsTimeout),
      ": it does so in Initialize(), which is to be the first line of main"));
}

// What comes of a child that sets its limits itself, and then runs a program or
// the function.
absl::StatusOr<Process> CheckLimited(Process process, bool is_program,
                                     SpawnPlan& plan) {
  // The last write end is the child's.
  plan.child_ends.clear();
  if (!WaitReadable(plan.failure_pipe.get(), kLimitsTimeout)) {
    return LateLimitsError(process);
  }
  std::optional<ChildFailure> told = ReadFailure(plan.failure_pipe.get());
  if (!told.has_value()) return NoLimitsError(process);
  if (told->step == ChildStep::kLimitsSet) {
    if (!is_program) return process;
    // Only exec is left, which closes the pipe.
    told = ReadFailure(plan.failure_pipe.get());
    if (!told.has_value()) return process;
  }
  process.Wait().IgnoreError();
  return FailureError(plan, *told);
}

// posix_spawn gives one number for all of its steps. What could be opened and
// checked before was, so few are left.
absl::Status SpawnError(const SpawnPlan& plan, int error) {
  if (error == EAGAIN || error == ENOMEM) {
    return PosixError("posix_spawn", plan.path, error);
  }
  const bool executable = access(plan.path.c_str(), X_OK) == 0;
  if (plan.process_group.has_value() && executable &&
      (error == EPERM || error == ESRCH)) {
    return PosixError("setpgid", absl::StrCat(*plan.process_group), error);
  }
  return ExecError(plan, error);
}

}  // namespace

absl::StatusOr<Process> PosixSpawnExecutor::Spawn(const Command& command) {
  absl::StatusOr<SpawnPlan> plan =
      SpawnPlan::Make(command, SpawnPlan::Start::kPosixSpawn);
  if (!plan.ok()) return plan.status();
#ifndef POSIX_SPAWN_SETSID
  if (plan->new_session) {
    return absl::UnimplementedError(
        "Command: limits.new_session: posix_spawn can't do that on this "
        "system; the fork backend can");
  }
#endif
  // What was printed before is seen before what the function prints, as with
  // every backend; but no thread of this library waits for who reads it.
  const bool is_program = std::holds_alternative<ProgramCall>(command.target);
  if (!is_program && !LibraryThread::CallerIsOne()) {
    FlushStandardStreams();
  }
  SpawnRequest request;
  request.Fill(*plan);
  pid_t pid = 0;
  const int error = request.Spawn(*plan, &pid);
  if (error != 0) return SpawnError(*plan, error);
  absl::StatusOr<std::unique_ptr<ChildHandle>> child =
      WatchPosixChild(pid, plan->leads_group());
  if (!child.ok()) return child.status();
  Process process(*std::move(child), std::move(plan->parent_ends), command);
  if (!plan->failure_pipe.is_valid()) return process;
  return CheckLimited(std::move(process), is_program, *plan);
}

}  // namespace multiproc
