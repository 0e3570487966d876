// The Limits of a Command as the child sets them on itself: system calls on
// numbers, that may follow a fork. POSIX only.

#ifndef MULTIPROC_EXECUTORS_CHILD_LIMITS_H_
#define MULTIPROC_EXECUTORS_CHILD_LIMITS_H_

#include <sys/resource.h>
#include <sys/types.h>
#ifdef __linux__
#include <sched.h>
#endif

#include <optional>

#include "absl/status/statusor.h"
#include "multiproc/executors/child_failure.h"
#include "multiproc/executors/limits.h"

namespace multiproc {

// Its bytes may be copied, also to another process of the same program.
struct ChildLimits {
  // UNIMPLEMENTED for what this system does not have. new_session is not among
  // these, but the backends' own affair.
  static absl::StatusOr<ChildLimits> Make(const Limits& limits);

  // Sets all of them on this process. Async-signal-safe.
  std::optional<ChildFailure> Apply() const;

  struct Resource {
    bool is_set;
    ChildStep step;
    rlim_t value;
    // How far the hard limit is above it, where it may be.
    rlim_t margin;
  };

  // Memory is the last that is set: little works with too little.
  Resource files;
  Resource file_size;
  Resource core;
  Resource cpu;
  Resource memory;
  bool has_nice;
  int nice;
  bool has_umask;
  mode_t umask;
  bool has_cpus;
#ifdef __linux__
  cpu_set_t cpus;
#endif
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CHILD_LIMITS_H_
