// What a child may use, and how it is run: ulimit, nice, taskset and setsid for
// one Command.
//
//   Command command = Command::Program("convert", {"in.png", "out.jpg"});
//   command.limits.memory_bytes = uint64_t{1} << 30;
//   command.limits.cpu_time = absl::Minutes(1);
//   command.limits.nice = 10;
//
// All are set in the child before its program, or function, begins; what it
// starts inherits them. One that can't be set makes Spawn fail with the step
// that did: "setrlimit(RLIMIT_NOFILE) '4096' [errno 1]". This process's own
// stay as they are.
//
//                    POSIX                          Windows
//   memory_bytes     RLIMIT_AS                      job object, of each process
//   cpu_time         RLIMIT_CPU                     job object, of each process
//   open_files       RLIMIT_NOFILE                  UNIMPLEMENTED
//   core_bytes       RLIMIT_CORE                    UNIMPLEMENTED
//   file_bytes       RLIMIT_FSIZE                   UNIMPLEMENTED
//   nice             setpriority(2)                 priority class
//   cpus             sched_setaffinity(2), on       job object
//                    Linux; else UNIMPLEMENTED
//   umask            umask(2)                       UNIMPLEMENTED
//   new_session      setsid(2)                      UNIMPLEMENTED
//
// On POSIX, soft and hard limits are both set: the child can't raise them. A
// limit above this process's own hard one takes privileges (PERMISSION_DENIED).
//
// The posix_spawn backend has no moment at which it could set them: it starts
// this same program again, which sets them in Initialize(), and runs the
// command's program in its place. Programs with limits then cost what functions
// do, and need Initialize() (FAILED_PRECONDITION), too; but not for new_session
// alone, which posix_spawn(3) knows. If the copy ends before the limits are set
// (in a static initialiser, say), Spawn fails with INTERNAL and tells how; if
// it has not come to Initialize() within a minute, with DEADLINE_EXCEEDED.
// (With Command::function_program it is that program.) Spawn of a program waits
// until exec closes a pipe of the copy: a static initialiser of this program
// that starts a process which inherits that pipe, and goes on, keeps it
// waiting.
//
// A plain value.

#ifndef MULTIPROC_EXECUTORS_LIMITS_H_
#define MULTIPROC_EXECUTORS_LIMITS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace multiproc {

// What is not set is as in this process.
struct Limits {
  // How much memory each process may have, in bytes: of addresses, used or not,
  // on POSIX, and of committed memory on Windows. Sanitizers and some runtimes
  // reserve addresses by the terabyte, and fail under any limit of these.
  std::optional<uint64_t> memory_bytes;

  // How long each process may compute, more than zero; rounded up to seconds on
  // POSIX, where it gets SIGXCPU then, and SIGKILL a second later. On Windows
  // it is rounded up to 100 ns, and the process ends with an exit code of the
  // system's.
  std::optional<absl::Duration> cpu_time;

  // One more than the greatest descriptor that it may open.
  std::optional<uint64_t> open_files;

  // The greatest core file, in bytes; 0 for none.
  std::optional<uint64_t> core_bytes;

  // The greatest size to which it may write any file, in bytes. Beyond it gets
  // SIGXFSZ.
  std::optional<uint64_t> file_bytes;

  // From -20 (most favoured) to 19; not added to this process's. Lower than
  // that takes privileges. On Windows the class of priority: IDLE from 10 on,
  // BELOW_NORMAL from 1 on, NORMAL for 0, ABOVE_NORMAL down to -9, HIGH below.
  std::optional<int> nice;

  // The numbers of the CPUs that it may run on, from 0 to 1023, on Windows to
  // 63 (31 in a program of 32 bits); empty for those of this process.
  std::vector<int> cpus;

  // The permissions that files which it makes never have, up to 0777.
  std::optional<uint32_t> umask;

  // Whether it leads a session, and so a process group, of its own, without a
  // controlling terminal: start_new_session of Python. Not with a
  // Command::process_group.
  bool new_session = false;
};

// OK, or INVALID_ARGUMENT that says which field is out of its range.
absl::Status CheckLimits(const Limits& limits);

// Whether anything but new_session is asked for.
bool HasLimits(const Limits& limits);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_LIMITS_H_
