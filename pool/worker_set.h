// The workers of a pool by what the owner thread asks of them: which has
// something to say, which can take a task, which is overdue.
//
//   workers.Add(std::move(worker));
//   WorkerProcess* worker = workers.PickForTasks();
//   worker->Lease(std::move(task));
//   workers.Update(*worker);              // after whatever changed it
//
// Not thread-safe: it belongs to whoever has the loop.

#ifndef MULTIPROC_POOL_WORKER_SET_H_
#define MULTIPROC_POOL_WORKER_SET_H_

#include <array>
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
#include "multiproc/executors/poller.h"
#include "multiproc/pool/lease_policy.h"
#include "multiproc/pool/worker_process.h"

namespace multiproc {

class WorkerSet {
 public:
  // What of a worker is ready.
  enum class Source { kResponses, kRequests, kExit, kStdout, kStderr };

  // `policy` says up to how many leases a worker is offered tasks, and how long
  // they may wait behind one. Both must outlive the set.
  WorkerSet(const LeasePolicy* policy, Poller* poller)
      : policy_(policy), poller_(poller) {}

  // No handle is closed that is still watched.
  ~WorkerSet() {
    while (!members_.empty()) Remove(members_.begin()->first);
  }

  // Takes charge of `worker`. An error if it can't be polled; it is killed
  // then.
  absl::Status Add(std::unique_ptr<WorkerProcess> worker);

  // Gives a worker back, unwatched.
  std::shared_ptr<WorkerProcess> Remove(uint64_t id);

  // The worker, or null if it is gone.
  std::shared_ptr<WorkerProcess> Get(uint64_t id) const;

  // Takes note of what changed about `worker`.
  void Update(WorkerProcess& worker);

  // Does not watch its responses any more: they are at their end, or somebody
  // else waits for them; and does so again.
  void StopReceiving(WorkerProcess& worker);
  void ResumeReceiving(WorkerProcess& worker);
  bool IsReceiving(const WorkerProcess& worker) const;

  // Whether what the workers write is not watched for now: nobody reads it.
  void set_output_paused(bool paused);
  bool output_paused() const { return output_paused_; }

  // Whose token it is, and for what; null if that worker is gone.
  std::pair<std::shared_ptr<WorkerProcess>, Source> Find(uint64_t token) const;

  // The worker to give the next tasks to, or null: of those with the fewest
  // leases one that never had a task, and then one that is ready before one
  // that is starting.
  WorkerProcess* PickForTasks();

  // The same of those that have leases: null if all of them have enough.
  WorkerProcess* PickBusy();

  // Whether so many workers have leases, and were given these or have answered
  // since `since` (MonotonicNow). Only those count that may have more, or whose
  // leases will be given to others in time, so that somebody looks again. Some
  // may not be counted where many are not to be.
  bool AreBusySince(size_t number, absl::Time since) const;

  // The worker that has the most leases, or null if none has any; and how many
  // the busy worker has that has the fewest.
  WorkerProcess* MostLeased();
  size_t fewest_leases() const {
    return busy_.empty() ? 0 : busy_.begin()->first;
  }

  // Whether `worker` has not begun what others could run, if need be ones that
  // are started for it, and it has not been taken back already.
  bool MayTakeBack(const WorkerProcess& worker) const {
    return (num_usable_ > 1 || may_grow_) && !worker.taken_back() &&
           worker.HasForOthers();
  }
  void set_may_grow(bool may_grow);

  // When what waits in `worker` behind its head is to be given to others.
  absl::Time PatienceEnd(const WorkerProcess& worker) const;

  // Those whose deadline has passed.
  std::vector<WorkerProcess*> Overdue(absl::Time now);

  // The next deadline; InfiniteFuture if there is none.
  absl::Time NextDeadline() const;

  // All of them, in the order of their ids.
  std::vector<WorkerProcess*> All();

  bool empty() const { return members_.empty(); }
  size_t size() const { return members_.size(); }

  // One that is kept for later, or null: one that is ready, if there is any.
  WorkerProcess* PickSpare();
  size_t num_spare() const { return num_spare_; }

  // How many will take tasks; of these, how many have leases, and how many
  // leases they have.
  size_t num_usable() const { return num_usable_; }
  size_t num_busy() const { return busy_.size(); }
  // How many of the usable ones are not leaving, and how many of these are
  // stale.
  size_t num_staying() const { return num_staying_; }
  size_t num_stale() const { return num_stale_; }
  // How many were dismissed, and are not gone yet.
  size_t num_on_their_way_out() const { return num_out_; }
  size_t num_leased() const { return num_leased_; }
  // Whether some worker that takes tasks has none.
  bool HasIdle() const {
    return !open_.empty() && std::get<0>(*open_.begin()) == 0;
  }

 private:
  using OpenKey = std::tuple<size_t, bool, bool, uint64_t>;

  // A worker, and how it stands in the indices.
  struct Member {
    std::shared_ptr<WorkerProcess> worker;
    bool usable = false;
    bool staying = false;
    bool stale = false;
    bool out = false;
    bool spare = false;
    // Of a usable one.
    size_t num_leases = 0;
    bool responses_watched = false;
    // The handle as it was: a worker that is dismissed or killed closes it.
    FileHandle requests_watched = kInvalidFileHandle;
    // Of WorkerCapture, by its streams.
    std::array<bool, 2> output_watched = {false, false};
    std::optional<OpenKey> open_key;
    absl::Time deadline = absl::InfiniteFuture();
  };

  void UpdateMember(WorkerProcess& worker);
  void UpdateBusy();
  absl::Time DeadlineOf(const WorkerProcess& worker) const;
  void KillUnwatched(Member& member, absl::Status status);
  void UpdateRequests(Member& member);
  void UpdateOutput(Member& member, bool paused);
  void UpdateCounts(Member& member, bool usable, size_t num_leases);
  void UpdateTurnover(Member& member, bool present);
  void UpdateOpen(Member& member);
  void UpdateDeadline(Member& member, absl::Time deadline);

  const LeasePolicy* const policy_;
  Poller* const poller_;
  std::map<uint64_t, Member> members_;
  std::set<OpenKey> open_;
  // Usable ones with leases: how many, and whose.
  std::set<std::pair<size_t, uint64_t>> busy_;
  bool may_grow_ = false;
  size_t num_usable_ = 0;
  size_t num_staying_ = 0;
  size_t num_stale_ = 0;
  size_t num_out_ = 0;
  size_t num_spare_ = 0;
  size_t num_leased_ = 0;
  std::set<std::pair<absl::Time, uint64_t>> deadlines_;
  bool output_paused_ = false;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_WORKER_SET_H_
