// How a ProcessPool behaves, and how a single task of it does. Plain values.

#ifndef MULTIPROC_POOL_POOL_OPTIONS_H_
#define MULTIPROC_POOL_POOL_OPTIONS_H_

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "multiproc/executors/executor.h"
#include "multiproc/executors/limits.h"
#include "multiproc/pool/frame_format.h"
#include "multiproc/pool/pool_observer.h"
#include "multiproc/pool/worker_hook.h"
#include "multiproc/pool/worker_output.h"

namespace multiproc {

// What becomes of a task for which a pool has no room.
enum class WhenFull {
  // Submit waits for room; Close, Terminate and the pool's failure end that
  // wait. A callback of Future::OnDone, on the pool's thread for them, must not
  // wait: it gets what kReject gives.
  kBlock,
  // The future has RESOURCE_EXHAUSTED at once, and the task does not run.
  kReject,
  // Submit runs the function itself, in this process, and returns when it has
  // its outcome. It has neither a timeout nor another attempt, and can't be
  // cancelled; a crash is the program's.
  kCallerRuns,
};

// What becomes of the tasks of a pool that lives when the program exits.
enum class AtExit {
  // All workers are killed, as by Terminate: Python's multiprocessing.Pool.
  kTerminate,
  // What runs may end; what is queued is cancelled, as by CancelPending.
  kRunStarted,
  // What was submitted runs: Python's ProcessPoolExecutor.
  kRunAll,
};

// What may be said of a pool. Create checks it.
struct ProcessPoolOptions {
  // How many worker processes there are, up to 10,000. 0 stands for the number
  // of CPUs that this process may run on (executors/cpu_count.h); in a worker,
  // for its share of them (nesting.h).
  int num_workers = 0;

  // With fewer than num_workers the pool grows and shrinks. It begins with
  // these, starts others when tasks wait and no worker is idle, and lets those
  // beyond these go that were idle for idle_timeout, or up to twice as long and
  // a second. 0
  // or more, or -1 for num_workers, which never changes. Python's
  // ProcessPoolExecutor starts with 0, and lets none go.
  int min_workers = -1;
  absl::Duration idle_timeout = absl::InfiniteDuration();

  // So many more workers are started, ready, and have no tasks: as soon as a
  // worker dies or leaves, or the pool grows, one of these takes its place, and
  // nobody waits until another has started. 0 to 10,000.
  int spare_workers = 0;

  // What starts the workers; null for DefaultExecutor(). Must outlive the pool.
  // The fork backend can't replace workers while the program has threads of its
  // own.
  Executor* executor = nullptr;

  // As Command's of the same names, for each worker: variables to set, or with
  // nullopt to remove, in its environment; and what it may use. What can't be
  // set is Create's error, with the status codes of Executor::Spawn.
  std::map<std::string, std::optional<std::string>> worker_environment;
  Limits worker_limits;

  // The program that the workers are, found as ProgramCall's, with the needs of
  // Command::function_program; empty for this very program. One that links
  // @multiproc//pool:worker_main and the functions, and no more, starts sooner
  // and is smaller (docs/workers.md). Python's set_executable. A relative path
  // is from the folder that is the current one in Create; a name without a
  // slash is looked for in PATH whenever a worker starts.
  std::string worker_program;

  // The longest message, in bytes, that goes to a worker or comes back: a call
  // with its packed arguments, or a packed result. Up to 2 GiB less one byte.
  size_t max_frame_bytes = kDefaultMaxFrameBytes;

  // Of tasks whose TaskOptions say nothing else: the longest run, counted from
  // the task's start in a worker, when it is asked to end, and how often it may
  // be started in all. See TaskOptions.
  absl::Duration task_timeout = absl::InfiniteDuration();
  absl::Duration task_soft_timeout = absl::InfiniteDuration();
  int max_attempts = 1;

  // How long a task that was cancelled (Future::Cancel) while it ran has to end
  // by itself, before its worker is killed and replaced. Zero kills at once;
  // InfiniteDuration never.
  absl::Duration cancel_grace = absl::Seconds(5);

  // How many tasks may be pending, which is submitted and without an outcome,
  // and how many bytes their packed arguments may take in all; 0 for any
  // number. A task with more bytes than that is let in alone. Maps are counted,
  // and don't wait: MapOptions::max_pending bounds them.
  size_t max_pending = 0;
  size_t max_pending_bytes = 0;

  // What Submit does with one more.
  WhenFull when_full = WhenFull::kBlock;

  // How many tasks a worker is sent at a time, up to 65,536, or 0 for as many
  // as pay: that depends on how long tasks run (lease_policy.h), and is 1 for
  // those that run for longer than some milliseconds. More save a wake-up for
  // each task. What waits behind a task that turns out long is given to another
  // worker.
  int max_leased_tasks = 0;

  // How long a thread in Future::Get may poll for its answer without sleeping,
  // and a worker for its next task. Saves waking them, some 20 us or more each,
  // and takes their CPUs meanwhile. Callers poll only where there are two CPUs,
  // workers only where there are more than workers, and both only as long as it
  // succeeds mostly; 50 us is enough for tasks of a few microseconds. Zero for
  // never.
  absl::Duration spin_time = absl::ZeroDuration();

  // A worker that is not ready this long after its start is killed and
  // replaced.
  absl::Duration worker_start_timeout = absl::Seconds(30);

  // A worker that stops this long in the middle of a message, or sends less
  // than 64 KiB of it in that time, is killed, and its task ends with
  // DATA_LOSS: something else wrote to its channel.
  absl::Duration frame_timeout = absl::Seconds(10);

  // A worker that still runs this long after it was told to leave, or after it
  // has closed its channel (which no task should), is killed. The outcome of
  // its task waits for its end.
  absl::Duration worker_exit_timeout = absl::Seconds(5);

  // Called in each worker before its first task; the time that it takes is part
  // of worker_start_timeout. If it returns an error, or throws, the pool fails:
  // Join and all futures give that error, with its code. A worker that dies in
  // it is one that could not be started: another is, some times. Create gives
  // the errors of WorkerHook::status.
  WorkerHook initializer;

  // Called in a worker that leaves in order, as the pool is closed or the
  // worker is replaced, within worker_exit_timeout. Not in one that is killed:
  // by Terminate, by a timeout, or as its parent died. Its error goes nowhere.
  WorkerHook finalizer;

  // After so many tasks a worker leaves and is replaced, which gives back what
  // they leaked: Python's maxtasksperchild. A chunk of Map is one task. 0 for
  // no limit. With a jitter, which must be less, each worker's own limit is
  // less by up to as much, so that not all leave at once.
  int max_tasks_per_worker = 0;
  int max_tasks_jitter = 0;

  // A worker that is older leaves once it has ended its task, and is replaced.
  // Of several, one at a time.
  absl::Duration max_worker_age = absl::InfiniteDuration();

  // A worker whose resident set (resident_memory.h) is greater, in bytes, after
  // a task leaves and is replaced. No task is lost, and none is stopped: this
  // is no limit for a single task. 0 for none. UNIMPLEMENTED where the system
  // does not tell: all but Linux and Windows.
  size_t max_worker_memory_bytes = 0;

  // A worker whose resident set is found greater, in bytes, while it runs a
  // task is killed and replaced; the task ends with RESOURCE_EXHAUSTED, or is
  // tried again, as one whose worker died. The pool looks every 50 ms, so what
  // grows fast gets further: Command::limits is for hard limits. 0 for none.
  // UNIMPLEMENTED where the system does not tell.
  size_t kill_worker_memory_bytes = 0;

  // How deep pools may be: 1 for none within a worker, 2 for one within a
  // worker of a pool, and so on. A function that makes a pool of workers that
  // call it would go on for ever.
  int max_pool_depth = 4;

  // What becomes of the tasks if the program exits, by std::exit or the end of
  // main, while the pool lives: one that was never destroyed, or that belongs
  // to a caller of std::exit. After exit_timeout, which kRunStarted and kRunAll
  // may take in all, the workers are killed. Then futures and callbacks have
  // their outcome, CANCELLED for what was ended. That is before the destructors
  // of static variables, one that the pool belongs to as well, if it was made
  // before the pool had its first task. (An end without exit handlers, such as
  // _exit or a signal, kills the workers.)
  AtExit at_exit = AtExit::kTerminate;
  absl::Duration exit_timeout = absl::Seconds(10);

  // Called with each line that a worker, or a program that it has started,
  // writes to stdout or stderr, which are pipes then (docs/output.md). In
  // order, for each worker and stream, on the pool's thread for callbacks. Null
  // leaves the workers this process's own streams. It may Submit, but must not
  // Join, nor wait for a task: while more than 1 MiB of lines wait for it, no
  // more are read, and workers that write wait, as with any pipe, while their
  // tasks' timeouts run. Join returns after the last line.
  std::function<void(const WorkerOutput&)> on_output;

  // Are told of all that happens to tasks and workers (pool_observer.h), on a
  // thread of the pool's own. Null ones are left out. They must outlive the
  // pool. If Create fails, what they were told of is gone.
  std::vector<PoolObserver*> observers;

  // Whether each message that a worker logs by Abseil's LOG begins with
  // "[worker 3 task 17] ", or "[worker 3] " outside of tasks. The program must
  // call absl::InitializeLog() before Initialize() (worker_log.h).
  bool tag_logs = false;
};

// What may be said of a task. Submit's future tells what is wrong.
struct TaskOptions {
  // The longest run, counted from the task's start in a worker, and not from
  // Submit; a worker that is idle starts a task when its request is sent. The
  // worker of one that overruns is killed and replaced, and the
  // task ends with DEADLINE_EXCEEDED. A great answer that has begun to come by
  // then has frame_timeout, from its first byte on, to be complete. Zero for
  // the pool's.
  absl::Duration timeout = absl::ZeroDuration();

  // How often the task may be started in all: with 2 it is tried again if a
  // worker dies with it, or is killed for what it wrote on its channel; a task
  // that overran its timeout is not. More than 1 is for tasks that may run
  // twice. Zero for the pool's.
  int max_attempts = 0;

  // What it is tried again for, as often as max_attempts says for all of them
  // together: that its worker died, or was killed for anything but its timeout;
  // that it overran its timeout; and its own error, whichever it is (of Map: of
  // a chunk of one item). A task that was cancelled is not tried again.
  bool retry_crashes = true;
  bool retry_timeouts = false;
  bool retry_errors = false;

  // The task is asked to end after this long, from its start: CurrentTask()
  // says that it is cancelled (current_task.h). What it returns then is its
  // outcome all the same. Zero for the pool's, InfiniteDuration for never.
  absl::Duration soft_timeout = absl::ZeroDuration();

  // ProcessPoolOptions::cancel_grace for this task; nullopt for the pool's.
  std::optional<absl::Duration> cancel_grace;

  // From -100 to 100: of the tasks that are queued those of a higher number are
  // started first. What is leased to a worker already is not overtaken: work
  // for some milliseconds (lease_policy.h).
  int priority = 0;

  // Names the task in the pool's errors about it (TaskFailure.label, and their
  // messages; not where the whole pool has ended), with its own error
  // (GetTaskErrorSource), and to itself (CurrentTask::label).
  std::string label;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_POOL_OPTIONS_H_
