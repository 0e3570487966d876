// What /proc tells of processes and of their threads, which it calls tasks:
// proc(5). Linux only.
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_PROC_STAT_H_
#define MULTIPROC_EXECUTORS_PROC_STAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace multiproc {

// Some fields of a stat file: proc_pid_stat(5).
struct ProcStat {
  char state = '\0';
  int parent = 0;
  // When it began, in ticks since boot. With it a number names one process for
  // ever, though another gets the number later.
  uint64_t start = 0;
};

// Of the process or task whose folder in /proc is `folder`; nullopt if there is
// none any more, or if it is another user's and does not show (hidepid).
// Other errors, such as RESOURCE_EXHAUSTED for want of descriptors, leave it
// open whether there is one.
absl::StatusOr<std::optional<ProcStat>> ReadProcStat(const std::string& folder);

// The numbers that are entries of `folder`: the processes of /proc, the tasks
// of /proc/7/task. Empty if there is no such folder any more.
absl::StatusOr<std::vector<int>> ListNumbers(const std::string& folder);

// OK if /proc is there, and has the numbers that this process's calls have:
// FAILED_PRECONDITION where it was mounted for another PID namespace.
absl::Status CheckProc();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_PROC_STAT_H_
