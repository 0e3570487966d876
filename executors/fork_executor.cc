#include "multiproc/executors/fork_executor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "multiproc/executors/child_failure.h"
#include "multiproc/executors/child_limits.h"
#include "multiproc/executors/child_state.h"
#include "multiproc/executors/close_from.h"
#include "multiproc/executors/flush_streams.h"
#include "multiproc/executors/function_child.h"
#include "multiproc/executors/handle_table.h"
#include "multiproc/executors/handled_signals.h"
#include "multiproc/executors/library_thread.h"
#include "multiproc/executors/posix_child.h"
#include "multiproc/executors/posix_error.h"
#include "multiproc/executors/signal_block.h"
#include "multiproc/executors/spawn_plan.h"
#include "multiproc/executors/thread_count.h"

namespace multiproc {
namespace {

// ---- Streams ----

// What becomes of the streams, which the child has a copy of.
enum class Streams {
  // Flushed before, all of them: no other thread can be within a call on one.
  kAll,
  // Flushed before, stdout and stderr.
  kStandard,
  // Not flushed: a thread of this library must not wait for whoever reads them,
  // or keeps them locked. The child forgets what it copied.
  kNone,
};

Streams ChooseStreams(bool no_other_thread) {
  if (LibraryThread::CallerIsOne()) return Streams::kNone;
  return no_other_thread ? Streams::kAll : Streams::kStandard;
}

void FlushBeforeFork(Streams streams) {
  if (streams == Streams::kAll) FlushAllStreams();
  if (streams == Streams::kStandard) FlushStandardStreams();
}

// Of what it printed itself: what the parent did not flush is the parent's to
// write.
void FlushBeforeExit(Streams streams) {
  streams == Streams::kAll ? FlushAllStreams() : FlushStandardStreams();
}

// ---- Signals ----

// Handlers of faults stay: they are crash reporters and sanitizers.
bool IsFault(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
         signal == SIGILL || signal == SIGABRT || signal == SIGTRAP ||
         signal == SIGSYS;
}

// Which signals may have a handler. A thread of this library may be in a
// callback that sets one right now.
SignalSet ChooseSignals(bool no_other_thread) {
  const bool nobody_else = no_other_thread && LibraryThread::Count() == 0;
  return nobody_else ? HandledSignals() : kAllSignals;
}

// Of `handled`, which holds all that are: back to the defaults, as exec does
// it. Async-signal-safe.
void ResetHandlers(SignalSet handled) {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (!HasSignal(handled, signal) || IsFault(signal)) continue;
    struct sigaction action;
    if (sigaction(signal, nullptr, &action) != 0) continue;
    const bool default_wanted = signal == SIGPIPE || signal == SIGXFSZ;
    if (action.sa_handler == SIG_DFL ||
        (action.sa_handler == SIG_IGN && !default_wanted)) {
      continue;
    }
    action.sa_handler = SIG_DFL;
    action.sa_flags = 0;
    sigaction(signal, &action, nullptr);
  }
}

// ---- The child. Until exec or the function only async-signal-safe calls. ----

std::optional<ChildFailure> PrepareChild(const SpawnPlan& plan,
                                         SignalSet handled) {
  ResetHandlers(handled);
  if (plan.new_session && setsid() < 0) {
    return ChildFailure{ChildStep::kSetsid, errno};
  }
  if (plan.process_group.has_value() &&
      setpgid(0, static_cast<pid_t>(*plan.process_group)) != 0) {
    return ChildFailure{ChildStep::kSetpgid, errno};
  }
  if (plan.directory.is_valid() && fchdir(plan.directory.get()) != 0) {
    return ChildFailure{ChildStep::kChdir, errno};
  }
  for (const SpawnPlan::Move& move : plan.moves) {
    if (dup2(move.from, move.to) < 0)
      return ChildFailure{ChildStep::kDup2, errno};
  }
  return std::nullopt;
}

void UnblockSignals() {
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

// What a fork of a program with threads may leave in a state that nobody will
// ever change is replaced here, before the function can need it.
void ForgetTheParentsThreads() {
  LibraryThread::ForgetAllInForkedChild();
  Process::ForgetAllInForkedChild();
#ifndef NDEBUG
  // It has a global lock, and runs in debug builds only.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
}

// ---- The parent ----

absl::StatusOr<Process> Watch(pid_t pid, const Command& command,
                              SpawnPlan& plan) {
  absl::StatusOr<std::unique_ptr<ChildHandle>> child =
      WatchPosixChild(pid, plan.leads_group());
  if (!child.ok()) return child.status();
  return Process(*std::move(child), std::move(plan.parent_ends), command);
}

[[noreturn]] void ExecInChild(SpawnPlan& plan, int error_pipe,
                              const std::vector<int>& listed) {
  std::optional<ChildFailure> failure = PrepareChild(plan, kAllSignals);
  if (!failure.has_value()) {
    // The last descriptor that is kept is the pipe's, until exec.
    const int report_to = plan.first_closed;
    if (dup2(error_pipe, report_to) < 0) {
      ReportAndExit(error_pipe, ChildFailure{ChildStep::kDup2, errno});
    }
    fcntl(report_to, F_SETFD, FD_CLOEXEC);
    error_pipe = report_to;
    CloseFrom(report_to + 1, listed);
    if (plan.limits.has_value()) failure = plan.limits->Apply();
    if (failure.has_value()) ReportAndExit(error_pipe, *failure);
    UnblockSignals();
    execve(plan.path.c_str(), plan.arguments.ready(), plan.environment());
    failure = ChildFailure{ChildStep::kExec, errno};
  }
  ReportAndExit(error_pipe, *failure);
}

absl::StatusOr<Process> ForkAndExec(const Command& command, SpawnPlan& plan) {
  absl::StatusOr<Pipe> error_pipe = Pipe::Create();
  if (!error_pipe.ok()) return error_pipe.status();
  // Above every target of the moves.
  absl::StatusOr<ScopedFileHandle> error_end =
      CopyHandleAbove(error_pipe->write_end.get(), plan.first_closed + 1);
  if (!error_end.ok()) return error_end.status();
  const std::vector<int> listed = OpenDescriptorsFrom(plan.first_closed + 1);
  pid_t pid;
  int error;
  {
    // No handler of the parent may run in the child before ResetHandlers.
    const ScopedSignalBlock no_signals;
    const HandleTable::ExecLock lock;
    pid = fork();
    error = errno;
    if (pid == 0) ExecInChild(plan, error_end->get(), listed);
  }
  if (pid < 0) return PosixError("fork", "", error);
  error_end->reset();
  error_pipe->write_end.reset();
  const std::optional<ChildFailure> failure =
      ReadFailure(error_pipe->read_end.get());
  absl::StatusOr<Process> process = Watch(pid, command, plan);
  if (!failure.has_value()) return process;
  if (process.ok()) process->Wait().IgnoreError();
  return FailureError(plan, *failure);
}

void LimitChild(const SpawnPlan& plan, int failure_pipe) {
  if (!plan.limits.has_value()) return;
  const std::optional<ChildFailure> failure = plan.limits->Apply();
  if (failure.has_value()) ReportAndExit(failure_pipe, *failure);
}

[[noreturn]] void RunForkedFunction(const FunctionCall& call, SpawnPlan& plan,
                                    Streams streams) {
  if (streams == Streams::kNone) ForgetStandardStreams();
  // A page that nobody writes to stays shared with the parent.
  if (environ != plan.environment()) environ = plan.environment();
  UnblockSignals();
  const int code = RunFunctionInChild(call, plan.kept);
  KillDaemons();
  FlushBeforeExit(streams);
  _exit(code);
}

// The child joins its group before it runs the function; the parent does it
// too, and so learns whether it could.
absl::Status JoinGroup(pid_t pid, const SpawnPlan& plan) {
  if (!plan.process_group.has_value()) return absl::OkStatus();
  const pid_t group = static_cast<pid_t>(*plan.process_group);
  // Other errors say that the child, which has joined by itself, has ended or
  // runs another program by now.
  if (setpgid(pid, group) == 0 || errno != EPERM) return absl::OkStatus();
  return PosixError("setpgid", absl::StrCat(group), errno);
}

absl::StatusOr<Process> ForkFunction(const Command& command,
                                     const FunctionCall& call, SpawnPlan& plan,
                                     bool no_other_thread) {
  const Streams streams = ChooseStreams(no_other_thread);
  FlushBeforeFork(streams);
  const ChildStart start = MakeChildStart(command);
  // Only limits can fail in a child that its parent did not see.
  Pipe failure_pipe;
  if (plan.limits.has_value()) {
    absl::StatusOr<Pipe> pipe = Pipe::Create();
    if (!pipe.ok()) return pipe.status();
    failure_pipe = *std::move(pipe);
  }
  pid_t pid;
  int error;
  {
    const ScopedSignalBlock no_signals;
    const SignalSet handled = ChooseSignals(no_other_thread);
    std::optional<HandleTable::Lock> lock(std::in_place);
    pid = fork();
    error = errno;
    if (pid == 0) {
      ForgetTheParentsThreads();
      if (PrepareChild(plan, handled).has_value()) _exit(127);
      LimitChild(plan, failure_pipe.write_end.get());
      HandleTable::CloseAllBut(*lock, plan.kept);
      lock.reset();
      TakeIdentity(start);
      RunForkedFunction(call, plan, streams);
    }
  }
  if (pid < 0) return PosixError("fork", "", error);
  absl::Status joined = JoinGroup(pid, plan);
  failure_pipe.write_end.reset();
  if (failure_pipe.read_end.is_valid()) {
    const std::optional<ChildFailure> failure =
        ReadFailure(failure_pipe.read_end.get());
    if (failure.has_value()) joined.Update(FailureError(plan, *failure));
  }
  absl::StatusOr<Process> process = Watch(pid, command, plan);
  if (joined.ok() || !process.ok()) return process;
  process->Wait().IgnoreError();
  return joined;
}

absl::Status TooManyThreadsError(int threads) {
  return absl::FailedPreconditionError(absl::StrCat(
      "fork: this process has ", threads,
      " thread(s) besides the caller's and this library's, whose locks the "
      "child could wait for forever: use the posix_spawn backend, fork before "
      "they start, or set ForkExecutorOptions::allow_threads"));
}

}  // namespace

absl::StatusOr<Process> ForkExecutor::Spawn(const Command& command) {
  const auto* call = std::get_if<absl::StatusOr<FunctionCall>>(&command.target);
  const bool is_exec = call == nullptr || !command.function_program.empty();
  absl::StatusOr<SpawnPlan> plan = SpawnPlan::Make(
      command, is_exec ? SpawnPlan::Start::kExec : SpawnPlan::Start::kForkOnly);
  if (!plan.ok()) return plan.status();
  if (is_exec) return ForkAndExec(command, *plan);
  std::optional<int> threads;
  if (!options_.allow_threads) threads = CountForeignThreads();
  if (threads.value_or(0) > 0) return TooManyThreadsError(*threads);
  return ForkFunction(command, **call, *plan, threads.has_value());
}

}  // namespace multiproc
