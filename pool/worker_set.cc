#include "multiproc/pool/worker_set.h"

#include <algorithm>
#include <utility>

#include "multiproc/pool/worker_capture.h"
#include "multiproc/pool/worker_output.h"

namespace multiproc {
namespace {

constexpr uint64_t kSources = 8;

// How many workers are looked at that don't count.
constexpr size_t kMostVainLooks = 16;

uint64_t MakeToken(const WorkerProcess& worker, WorkerSet::Source source) {
  return worker.id() * kSources + static_cast<uint64_t>(source);
}

WorkerSet::Source SourceOf(WorkerOutput::Stream stream) {
  return stream == WorkerOutput::Stream::kStdout ? WorkerSet::Source::kStdout
                                                 : WorkerSet::Source::kStderr;
}

}  // namespace

absl::Status WorkerSet::Add(std::unique_ptr<WorkerProcess> worker) {
  absl::Status status = poller_->Prepare(worker->requests());
  if (!status.ok()) return status;
  status =
      poller_->Watch(worker->responses(),
                     MakeToken(*worker, Source::kResponses), Poller::kReadable);
  if (!status.ok()) return status;
  status = poller_->Watch(worker->exit_event(),
                          MakeToken(*worker, Source::kExit), Poller::kReadable);
  if (!status.ok()) {
    poller_->Forget(worker->responses());
    return status;
  }
  WorkerProcess& added = *worker;
  Member& member = members_[added.id()];
  member.worker = std::move(worker);
  member.responses_watched = true;
  Update(added);
  return absl::OkStatus();
}

std::shared_ptr<WorkerProcess> WorkerSet::Get(uint64_t id) const {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : found->second.worker;
}

bool WorkerSet::IsReceiving(const WorkerProcess& worker) const {
  return members_.at(worker.id()).responses_watched;
}

std::shared_ptr<WorkerProcess> WorkerSet::Remove(uint64_t id) {
  Member& member = members_[id];
  UpdateCounts(member, /*usable=*/false, 0);
  UpdateTurnover(member, /*present=*/false);
  StopReceiving(*member.worker);
  UpdateOutput(member, /*paused=*/true);
  if (member.requests_watched != kInvalidFileHandle) {
    poller_->Forget(member.requests_watched);
  }
  poller_->Forget(member.worker->exit_event());
  if (member.open_key.has_value()) open_.erase(*member.open_key);
  UpdateDeadline(member, absl::InfiniteFuture());
  std::shared_ptr<WorkerProcess> worker = std::move(member.worker);
  members_.erase(id);
  return worker;
}

void WorkerSet::Update(WorkerProcess& worker) {
  const bool was_alone = num_usable_ == 1;
  UpdateMember(worker);
  // What waits in the one that was the only one may now run here.
  if (was_alone && num_usable_ > 1) UpdateBusy();
}

void WorkerSet::set_may_grow(bool may_grow) {
  may_grow_ = may_grow;
  UpdateBusy();
}

void WorkerSet::UpdateBusy() {
  for (const auto& [num_leases, id] : busy_) {
    Member& member = members_[id];
    UpdateDeadline(member, DeadlineOf(*member.worker));
  }
}

absl::Time WorkerSet::DeadlineOf(const WorkerProcess& worker) const {
  return std::min({worker.deadline(), worker.leave_at(), PatienceEnd(worker)});
}

void WorkerSet::UpdateMember(WorkerProcess& worker) {
  Member& member = members_[worker.id()];
  UpdateOutput(member, output_paused_);
  UpdateRequests(member);
  UpdateCounts(member, worker.usable() && !worker.spare(), worker.num_leases());
  UpdateTurnover(member, /*present=*/true);
  UpdateOpen(member);
  UpdateDeadline(member, DeadlineOf(worker));
}

absl::Time WorkerSet::PatienceEnd(const WorkerProcess& worker) const {
  if (!worker.ready() || !worker.usable()) return absl::InfiniteFuture();
  // Behind its head, or before what it runs now.
  const bool others_wait =
      worker.num_leases() > (worker.taken_back() ? 0u : 1u);
  // What can't be taken back stays; but answers may be found that the worker
  // has not written.
  if (!others_wait || (!MayTakeBack(worker) && worker.looked_for_unwritten())) {
    return absl::InfiniteFuture();
  }
  return worker.patient_since() + policy_->patience();
}

void WorkerSet::UpdateCounts(Member& member, bool usable, size_t num_leases) {
  if (!usable) num_leases = 0;
  num_usable_ += (usable ? 1 : 0) - (member.usable ? 1 : 0);
  member.usable = usable;
  if (num_leases == member.num_leases) return;
  num_leased_ += num_leases - member.num_leases;
  const uint64_t id = member.worker->id();
  if (member.num_leases > 0) busy_.erase({member.num_leases, id});
  if (num_leases > 0) busy_.insert({num_leases, id});
  member.num_leases = num_leases;
}

void WorkerSet::UpdateTurnover(Member& member, bool present) {
  const WorkerProcess& worker = *member.worker;
  const auto count = [](size_t& number, bool& counted, bool counts) {
    number += (counts ? 1 : 0) - (counted ? 1 : 0);
    counted = counts;
  };
  const bool staying = present && worker.staying();
  count(num_staying_, member.staying, staying);
  count(num_stale_, member.stale, staying && worker.stale());
  count(num_out_, member.out, present && worker.on_its_way_out());
  count(num_spare_, member.spare, present && worker.usable() && worker.spare());
}

void WorkerSet::StopReceiving(WorkerProcess& worker) {
  if (std::exchange(members_[worker.id()].responses_watched, false)) {
    poller_->Forget(worker.responses());
  }
}

void WorkerSet::ResumeReceiving(WorkerProcess& worker) {
  Member& member = members_[worker.id()];
  if (member.responses_watched) return;
  absl::Status status =
      poller_->Watch(worker.responses(), MakeToken(worker, Source::kResponses),
                     Poller::kReadable);
  member.responses_watched = status.ok();
  // Nobody would ever read what it says.
  if (!status.ok()) KillUnwatched(member, std::move(status));
}

// No handle that is watched is closed by it.
void WorkerSet::KillUnwatched(Member& member, absl::Status status) {
  if (member.requests_watched != kInvalidFileHandle) {
    poller_->Forget(std::exchange(member.requests_watched, kInvalidFileHandle));
  }
  member.worker->Kill(std::move(status));
}

// Whether there is room in the pipe is of interest only while something waits
// for it: an empty pipe is always writable.
void WorkerSet::UpdateRequests(Member& member) {
  WorkerProcess& worker = *member.worker;
  const bool watched = member.requests_watched != kInvalidFileHandle;
  if (worker.has_unsent() == watched) return;
  if (watched) {
    poller_->Forget(std::exchange(member.requests_watched, kInvalidFileHandle));
    return;
  }
  absl::Status status =
      poller_->Watch(worker.requests(), MakeToken(worker, Source::kRequests),
                     Poller::kWritable);
  // Half a request would never be completed.
  if (!status.ok()) return worker.Kill(std::move(status));
  member.requests_watched = worker.requests();
}

void WorkerSet::set_output_paused(bool paused) {
  if (paused == output_paused_) return;
  output_paused_ = paused;
  for (WorkerProcess* worker : All()) Update(*worker);
}

void WorkerSet::UpdateOutput(Member& member, bool paused) {
  WorkerProcess& worker = *member.worker;
  if (worker.capture() == nullptr) return;
  for (const WorkerOutput::Stream stream : WorkerCapture::kStreams) {
    bool& watched = member.output_watched[static_cast<size_t>(stream)];
    const bool wanted = !paused && worker.capture()->is_open(stream);
    if (wanted == watched) continue;
    const FileHandle handle = worker.capture()->handle(stream);
    watched = wanted;
    if (!wanted) {
      poller_->Forget(handle);
      continue;
    }
    absl::Status status = poller_->Watch(
        handle, MakeToken(worker, SourceOf(stream)), Poller::kReadable);
    watched = status.ok();
    // It would wait for a reader for ever.
    if (!status.ok()) KillUnwatched(member, std::move(status));
  }
}

void WorkerSet::UpdateOpen(Member& member) {
  const WorkerProcess& worker = *member.worker;
  if (member.open_key.has_value()) open_.erase(*member.open_key);
  member.open_key.reset();
  if (!worker.takes_tasks() || worker.taken_back()) return;
  // Nobody knows when one that is starting will begin.
  const size_t refill_at = worker.ready() ? policy_->refill_at() : 0;
  if (worker.num_leases() > refill_at) return;
  member.open_key = {worker.num_leases(), worker.ever_leased(), !worker.ready(),
                     worker.id()};
  open_.insert(*member.open_key);
}

void WorkerSet::UpdateDeadline(Member& member, absl::Time deadline) {
  if (deadline == member.deadline) return;
  deadlines_.erase({member.deadline, member.worker->id()});
  member.deadline = deadline;
  if (deadline != absl::InfiniteFuture()) {
    deadlines_.insert({deadline, member.worker->id()});
  }
}

std::pair<std::shared_ptr<WorkerProcess>, WorkerSet::Source> WorkerSet::Find(
    uint64_t token) const {
  return {Get(token / kSources), static_cast<Source>(token % kSources)};
}

WorkerProcess* WorkerSet::MostLeased() {
  if (busy_.empty()) return nullptr;
  return members_[busy_.rbegin()->second].worker.get();
}

WorkerProcess* WorkerSet::PickForTasks() {
  if (open_.empty()) return nullptr;
  return members_[std::get<3>(*open_.begin())].worker.get();
}

WorkerProcess* WorkerSet::PickBusy() {
  const auto found = open_.lower_bound(OpenKey{1, false, false, 0});
  if (found == open_.end()) return nullptr;
  return members_[std::get<3>(*found)].worker.get();
}

// Those with the most leases are the likeliest.
bool WorkerSet::AreBusySince(size_t number, absl::Time since) const {
  size_t looks = number + kMostVainLooks;
  for (auto it = busy_.rbegin(); it != busy_.rend() && looks > 0; ++it) {
    --looks;
    const Member& member = members_.at(it->second);
    const WorkerProcess& worker = *member.worker;
    if (worker.patient_since() < since || worker.taken_back()) continue;
    if (!member.open_key.has_value() &&
        PatienceEnd(worker) == absl::InfiniteFuture()) {
      continue;
    }
    if (--number == 0) return true;
  }
  return false;
}

WorkerProcess* WorkerSet::PickSpare() {
  WorkerProcess* found = nullptr;
  if (num_spare_ == 0) return found;
  for (auto& [id, member] : members_) {
    if (!member.spare) continue;
    if (member.worker->ready()) return member.worker.get();
    if (found == nullptr) found = member.worker.get();
  }
  return found;
}

std::vector<WorkerProcess*> WorkerSet::Overdue(absl::Time now) {
  std::vector<WorkerProcess*> overdue;
  for (const auto& [deadline, id] : deadlines_) {
    if (deadline > now) break;
    overdue.push_back(members_[id].worker.get());
  }
  return overdue;
}

absl::Time WorkerSet::NextDeadline() const {
  return deadlines_.empty() ? absl::InfiniteFuture()
                            : deadlines_.begin()->first;
}

std::vector<WorkerProcess*> WorkerSet::All() {
  std::vector<WorkerProcess*> all;
  for (auto& entry : members_) all.push_back(entry.second.worker.get());
  return all;
}

}  // namespace multiproc
