// The workers of a pool by what the owner thread asks of them: which has
// something to say, which can take a task, which is overdue.
//
//   workers.Add(std::move(worker));
//   WorkerProcess* worker = workers.PickForTask();
//   worker->Lease(std::move(task));
//   workers.Update(*worker);              // after whatever changed it
//
// Not thread-safe: it belongs to the owner thread.

#ifndef MULTIPROC_POOL_WORKER_SET_H_
#define MULTIPROC_POOL_WORKER_SET_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multiproc/pool/poller.h"
#include "multiproc/pool/worker_process.h"

namespace multiproc {

class WorkerSet {
 public:
  // What of a worker is ready.
  enum class Source { kResponses, kRequests, kExit };

  // A worker is offered for a task until it has `max_leases`. `poller` must
  // outlive the set.
  WorkerSet(size_t max_leases, Poller* poller)
      : max_leases_(max_leases), poller_(poller) {}

  // No handle is closed that is still watched.
  ~WorkerSet() {
    while (!members_.empty()) Remove(members_.begin()->first);
  }

  // Takes charge of `worker`. An error if it can't be polled; it is killed
  // then.
  absl::Status Add(std::unique_ptr<WorkerProcess> worker);

  // Gives a worker back, unwatched.
  std::unique_ptr<WorkerProcess> Remove(uint64_t id);

  // Takes note of what changed about `worker`.
  void Update(WorkerProcess& worker);

  // Does not watch its responses any more: they are at their end.
  void StopReceiving(WorkerProcess& worker);

  // Whose token it is, and for what; null if that worker is gone.
  std::pair<WorkerProcess*, Source> Find(uint64_t token);

  // The worker to give the next task to, or null: of those with the fewest
  // leases one that never had a task, and then one that is ready before one
  // that is starting.
  WorkerProcess* PickForTask();

  // Those whose deadline has passed.
  std::vector<WorkerProcess*> Overdue(absl::Time now);

  // The next deadline; InfiniteFuture if there is none.
  absl::Time NextDeadline() const;

  // All of them, in the order of their ids.
  std::vector<WorkerProcess*> All();

  bool empty() const { return members_.empty(); }
  size_t size() const { return members_.size(); }

 private:
  using OpenKey = std::tuple<size_t, bool, bool, uint64_t>;

  // A worker, and how it stands in the indices.
  struct Member {
    std::unique_ptr<WorkerProcess> worker;
    bool responses_watched = false;
    // The handle as it was: a worker that is dismissed or killed closes it.
    FileHandle requests_watched = kInvalidFileHandle;
    std::optional<OpenKey> open_key;
    absl::Time deadline = absl::InfiniteFuture();
  };

  void UpdateRequests(Member& member);
  void UpdateOpen(Member& member);
  void UpdateDeadline(Member& member, absl::Time deadline);

  const size_t max_leases_;
  Poller* const poller_;
  std::map<uint64_t, Member> members_;
  std::set<OpenKey> open_;
  std::set<std::pair<absl::Time, uint64_t>> deadlines_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_SET_H_
