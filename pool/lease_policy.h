// How many tasks a worker is sent at a time, from how long tasks run.
//
//   LeasePolicy policy(/*fixed=*/0);
//   policy.Record(run_time);              // of each task that was answered
//   while (leases < policy.max_leases()) ...
//
// A worker that has the next task already needs no wake-up between two, which
// costs some 50 us where it goes from one CPU to another. So a worker is sent
// what keeps it busy for kWindow: 400 tasks of 10 us, four of 1 ms, and one if
// tasks run for longer, or nobody knows yet. docs/performance.md has the
// curves.
//
// Not thread-safe.

#ifndef MULTIPROC_POOL_LEASE_POLICY_H_
#define MULTIPROC_POOL_LEASE_POLICY_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace multiproc {

class LeasePolicy {
 public:
  // Work for this long is leased ahead. Half of it, when it is refilled, is to
  // outlast a slice that Linux's scheduler gives to another thread first (0.7
  // to 2.8 ms by the number of CPUs: kernel/sched/fair.c, base_slice_ns).
  static constexpr absl::Duration kWindow = absl::Milliseconds(4);
  // Beyond that many the cost of a wake-up is hardly seen any more, and with
  // fewer a worker runs dry while the owner thread is being woken.
  static constexpr size_t kMost = 2048;

  // `fixed` leases, whatever the tasks do; 0 for as many as pay.
  explicit LeasePolicy(size_t fixed) : fixed_(fixed) {}

  // Takes note of how long a task ran, in nanoseconds.
  void Record(int64_t run_time_ns);

  // The recent mean; zero if nothing is known.
  absl::Duration mean_run_time() const { return absl::Nanoseconds(mean_ns_); }

  // How many tasks a worker may have, the one that it runs included; 1 at
  // least.
  size_t max_leases() const;
  // A worker that has no more than this many gets others: not one for each
  // answer, so that many go in one write.
  size_t refill_at() const { return max_leases() / 2; }

  // What waits behind a task that runs for longer than this is given to other
  // workers.
  absl::Duration patience() const;

 private:
  const size_t fixed_;
  double mean_ns_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_LEASE_POLICY_H_
