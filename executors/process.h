// A child process that an Executor started.
//
//   absl::StatusOr<Process> process =
//       executor->Spawn(Command::Program("sleep", {"60"}));
//   absl::StatusOr<ExitStatus> status =
//       process->WaitWithTimeout(absl::Seconds(1));  // DEADLINE_EXCEEDED
//   process->Kill();
//   status = process->Wait();                        // killed by signal 9
//
// Thread-safety: thread-safe, but for moving, destroying and taking the stdio
// ends. One thread may Wait while another calls Kill.

#ifndef MULTIPROC_EXECUTORS_PROCESS_H_
#define MULTIPROC_EXECUTORS_PROCESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

// What a backend knows about a child that it started. It need not be a child of
// this process in the operating system's sense: a fork server's or a cluster's
// handle implements the same five functions, and the others if it can do
// better. Process calls Reap and those that signal under a lock of this
// child's, one at a time, and none after Reap succeeded. Those that signal may
// start other processes, but must not use this one's Process.
class ChildHandle {
 public:
  virtual ~ChildHandle() = default;

  // The process id, as `ps` shows it on the machine where the child runs.
  virtual int64_t pid() const = 0;

  // Readable (WaitReadable) from the child's end on. Owned by this object.
  virtual FileHandle exit_event() const = 0;

  // Called once the exit event is readable: how the child ended.
  virtual absl::StatusOr<ExitStatus> Reap() = 0;

  // Ask the child to end (SIGTERM, or what stands for it), and end it (SIGKILL,
  // TerminateProcess).
  virtual absl::Status Terminate() = 0;
  virtual absl::Status Kill() = 0;

  // What Ctrl-C does (SIGINT). As Terminate where there is no such thing.
  virtual absl::Status Interrupt() { return Terminate(); }

  // Ends the child and what it has started, as far as that can be found.
  virtual absl::Status KillTree() { return Kill(); }
};

// This process's ends of the pipes that Stdio::Pipe() asked for.
struct StdioEnds {
  // Each invalid where no pipe was asked for.
  ScopedFileHandle standard_input;
  ScopedFileHandle standard_output;
  ScopedFileHandle standard_error;
};

// How long Process::Stop waits at each of its steps. Zero skips the step.
struct StopOptions {
  // After closing the pipe to the child's standard input, if there is one: many
  // programs end at the end of their input.
  absl::Duration after_close = absl::ZeroDuration();
  // After Terminate.
  absl::Duration after_terminate = absl::Seconds(10);
  // After Kill. A killed child ends at once, but for one that waits for a
  // device (state D in ps).
  absl::Duration after_kill = absl::InfiniteDuration();
};

class ChildState;

// A child, or none.
class Process {
 public:
  // What the destructor does with a child that still runs.
  enum class OnDestroy {
    kJoin,       // Waits for its end, as std::jthread does. The default, but
                 // for daemons.
    kTerminate,  // Terminate, or Kill if it can't be asked, then waits.
    kKill,       // Kill, then waits.
    kDetach,     // Lets it run (on Windows, as long as this process does). Its
                 // end is collected at a later Spawn. The default of daemons
                 // (Command::daemon).
  };

  // No process: every call gives FAILED_PRECONDITION. So is one moved from.
  Process();
  // For backends: the child that was started for `command`. `ends` are invalid
  // where no pipe was asked for.
  Process(std::unique_ptr<ChildHandle> child, StdioEnds ends,
          const Command& command);
  // The same, without a name.
  Process(std::unique_ptr<ChildHandle> child, StdioEnds ends);
  Process(Process&&) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  // Whether there is a process at all, running or not.
  explicit operator bool() const { return state_ != nullptr; }

  // Its process id; 0 if there is none.
  int64_t pid() const;

  // What its Command calls it (Command::name), or else the name of its function
  // or program. Empty if there is no process.
  std::string name() const;

  // Waits for the child to end, and says how it did. Every further call, and
  // every other thread's, gets the same answer. A child that reads its standard
  // input pipe to the end ends only after that is closed (reset()), and one
  // that fills a pipe only after it was read.
  absl::StatusOr<ExitStatus> Wait() {
    return WaitWithTimeout(absl::InfiniteDuration());
  }

  // The same, but DEADLINE_EXCEEDED if the child runs for longer than `timeout`
  // from now (zero asks without waiting); it goes on running. Waits on an event
  // of the kernel, without polling.
  absl::StatusOr<ExitStatus> WaitWithTimeout(absl::Duration timeout);

  // Whether the child has not ended yet. False of no process.
  bool IsRunning();

  // Interrupts the child as Ctrl-C does: SIGINT, which it may handle or ignore.
  // OK for a child that has ended. On Windows, where a child can't be sent a
  // Ctrl-C of its own (GenerateConsoleCtrlEvent), the same as Terminate.
  absl::Status Interrupt();

  // Asks the child to end: SIGTERM, which it may handle or ignore. OK for a
  // child that has ended. On Windows a function's child is asked over a channel
  // of its own, with the same effect; a program by Ctrl-Break, and
  // FAILED_PRECONDITION if it was not started with process_group = 0.
  absl::Status Terminate();

  // Ends the child: SIGKILL, or TerminateProcess. OK for a child that has
  // ended.
  absl::Status Kill();

  // Kills the child with all that it has started, and those have started. Does
  // nothing, and is OK, once the child's end was collected (by Wait, say, or by
  // the system where SIGCHLD is ignored): its pid may be another's by then.
  //   Linux    Its descendants are stopped first (SIGSTOP), each as soon as it
  //            is found in /proc by its parent, until all are seen stopped and
  //            no more are found, and then killed, children before parents. OK
  //            means that none has escaped by forking, unless somebody else let
  //            it go on (SIGCONT). One whose parent ended before it was found
  //            has no known ancestor any more, and is killed only if it is
  //            still in a group of the child's own, which a Command asks for by
  //            process_group = 0, or limits.new_session. One of another user
  //            that /proc does not show (mounted with hidepid) is not found.
  //   POSIX    Elsewhere the child itself, and its own group.
  //   Windows  All, by a job object that each child is in with what it starts,
  //            and that none can leave.
  // Errors, all of them after what was found, the group and the child were
  // killed:
  //   PERMISSION_DENIED    some belong to another user (setuid programs).
  //   FAILED_PRECONDITION  Linux: there is no /proc, or that of another PID
  //                        namespace, so descendants can't be found.
  //   DEADLINE_EXCEEDED    Linux: some had not stopped after 10 s, as those
  //                        that wait for a device or are frozen (cgroups(7)),
  //                        and may have started others.
  //   others               as the errno of a failed look into /proc maps:
  //                        RESOURCE_EXHAUSTED for want of descriptors.
  absl::Status KillTree();

  // Makes the child end, first politely, then by force: closes its standard
  // input and waits, Terminates it and waits, Kills it and waits, for as long
  // as `options` say, and returns how it ended as soon as it has. Not while
  // another thread uses standard_input(). A child that can't be asked to end
  // (FAILED_PRECONDITION of Terminate, on Windows) is killed at once.
  //   DEADLINE_EXCEEDED  it runs after all steps that were not skipped.
  //   others             as of Terminate, if Kill is skipped, and Kill.
  absl::StatusOr<ExitStatus> Stop(const StopOptions& options = {});

  // A handle that is readable from the child's end on, to wait for with others;
  // never to be read or closed. It lives as long as the Process.
  FileHandle exit_event() const;

  // This process's ends of the pipes that the Command asked for, and invalid
  // otherwise. Move from them, or reset() them to close them.
  ScopedFileHandle& standard_input();
  ScopedFileHandle& standard_output();
  ScopedFileHandle& standard_error();

  // Sets what the destructor does.
  void set_on_destroy(OnDestroy policy);

  // Collects the detached children that have ended, as each Spawn does.
  static void CollectDetached();

  // For backends that fork: in the child, the parent's children are no
  // children.
  static void ForgetAllInForkedChild();

 private:
  explicit Process(std::shared_ptr<ChildState> state);
  void Finish();
  absl::StatusOr<ExitStatus> SignalAndWait(absl::Status sent,
                                           absl::Duration timeout);

  // Shared with nobody but who is just looking at all children.
  std::shared_ptr<ChildState> state_;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_PROCESS_H_
