// Tells whether the kernel's out-of-memory killer was it, when a worker has
// died of SIGKILL.
//
//   OomWatch watch(FindOomKillCounter());               // the pool starts
//   ... a worker is gone, and the pool has not killed it ...
//   std::optional<bool> oom_killed = watch.Explain(exit_status);
//
// By the kernel's count of its kills (executors/oom_kills.h): each of them
// explains one death. The count does not say whom: a kill that hit another
// process of the same control group, since the watch began or the last death
// that it was asked about, is taken for that of the worker. A killer that is no
// part of the kernel (systemd-oomd, earlyoom) is not counted.
//
// Not thread-safe: it belongs to whoever has the pool's loop.

#ifndef MULTIPROC_POOL_OOM_WATCH_H_
#define MULTIPROC_POOL_OOM_WATCH_H_

#include <cstdint>
#include <optional>

#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/oom_kills.h"

namespace multiproc {

class OomWatch {
 public:
  explicit OomWatch(OomKillCounter counter);

  // To be called once for each process that ended with `status`, and that the
  // pool has not killed. nullopt if that was no SIGKILL, or the kernel does not
  // count.
  std::optional<bool> Explain(const ExitStatus& status);

 private:
  const OomKillCounter counter_;
  // Those that came before, or explain other deaths.
  std::optional<uint64_t> used_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_OOM_WATCH_H_
