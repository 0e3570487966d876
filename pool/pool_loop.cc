#include "multiproc/pool/pool_loop.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/task_status.h"

namespace multiproc {
namespace {

// What is read from one worker before the others get their turn.
constexpr size_t kBytesPerTurn = size_t{1} << 20;
// What a pipe can hold, after its writer has gone (pipe(7)): 1 MiB unless root
// has raised the limit.
constexpr size_t kBytesAfterExit = size_t{64} << 20;

// For a worker whose channel is at its end; its exit follows at once, or as
// soon as a busy machine comes to it, or it has lost the channel that it can't
// do without.
constexpr absl::Duration kExitGrace = absl::Seconds(1);

// Beyond as many as there are workers, this many may fail to start in a row
// before the pool gives up.
constexpr int kToleratedFailedStarts = 4;
// Before the next start, if workers fail while others live; and the longest
// delay after a start that the system refused (too many processes, no memory).
constexpr absl::Duration kFailingDelay = absl::Seconds(1);

absl::Status ClosedError() {
  return absl::FailedPreconditionError(
      "the pool is closed: Submit before Close, Join or Terminate");
}

WorkerConfig MakeConfig(const ProcessPoolOptions& options) {
  WorkerConfig config;
  config.set_max_frame_bytes(options.max_frame_bytes);
  return config;
}

TaskFailure MakeFailure(const Task& task, const WorkerProcess& worker,
                        const ExitStatus& exit_status) {
  TaskFailure failure;
  failure.set_task_id(task.id());
  failure.set_function(task.function());
  failure.set_worker_pid(worker.pid());
  failure.set_attempt(task.attempt);
  if (exit_status.exited()) {
    failure.set_exit_code(*exit_status.exit_code());
  }
  if (exit_status.signaled()) failure.set_signal(*exit_status.signal());
  return failure;
}

// "the worker exited with code 3", "the worker was killed by signal 9
// (Killed)".
std::string HowItEnded(const ExitStatus& exit_status) {
  return absl::StrCat(exit_status.signaled() ? "was " : "",
                      exit_status.ToString());
}

// Whether its death says that workers can't be had: it was never of use, and no
// task can have been the cause.
bool IsFailedStart(WorkerProcess& worker) {
  const bool died_with_task = worker.ready() && worker.num_leases() > 0;
  return !worker.ever_answered() && !died_with_task && !worker.dismissed();
}

absl::Status DeathError(const WorkerProcess& worker,
                        const ExitStatus& exit_status) {
  return absl::UnavailableError(absl::StrCat(
      "worker pid ", worker.pid(), " ",
      worker.kill_reason().ok() ? HowItEnded(exit_status)
                                : std::string(worker.kill_reason().message())));
}

// What becomes of a task that its worker took along: the reason for which the
// pool killed the worker, or that it died.
absl::Status LostTaskError(const Task& task, const WorkerProcess& worker,
                           const ExitStatus& exit_status) {
  const absl::Status& reason = worker.kill_reason();
  const absl::StatusCode code =
      reason.ok() ? absl::StatusCode::kUnavailable : reason.code();
  const std::string what =
      reason.ok() ? absl::StrCat("the worker ", HowItEnded(exit_status))
                  : std::string(reason.message());
  absl::Status status(
      code,
      absl::StrCat("task ", task.id(), " '", task.function(), "', attempt ",
                   task.attempt, ", worker pid ", worker.pid(), ": ", what));
  SetTaskFailure(MakeFailure(task, worker, exit_status), &status);
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PoolLoop>> PoolLoop::Start(
    const ProcessPoolOptions& options) {
  absl::StatusOr<std::unique_ptr<Poller>> poller = Poller::Create();
  if (!poller.ok()) return poller.status();
  std::unique_ptr<PoolLoop> loop(new PoolLoop(options, *std::move(poller)));
  // Here, and not on the owner thread: a fork is safest while the program has
  // no other thread, and an error belongs to the caller.
  for (int i = 0; i < options.num_workers; ++i) {
    absl::Status status = loop->StartWorker(/*eager=*/true);
    if (!status.ok()) return status;
  }
  PoolLoop* const raw = loop.get();
  absl::StatusOr<std::unique_ptr<LibraryThread>> thread =
      LibraryThread::Start([raw] { raw->Run(); });
  if (!thread.ok()) return thread.status();
  loop->thread_ = *std::move(thread);
  return loop;
}

PoolLoop::PoolLoop(const ProcessPoolOptions& options,
                   std::unique_ptr<Poller> poller)
    : options_(options),
      poller_(std::move(poller)),
      workers_(static_cast<size_t>(options.max_leased_tasks), poller_.get()) {}

PoolLoop::~PoolLoop() {
  if (thread_ == nullptr) return;
  Terminate(absl::CancelledError("the pool was destroyed"));
  thread_->Join();
}

// ---- Called by any thread ----

void PoolLoop::Submit(std::unique_ptr<Task> task) {
  absl::Status refused;
  bool wake = false;
  {
    absl::MutexLock lock(&mutex_);
    if (!failure_.ok()) {
      refused = failure_;
    } else if (closed_) {
      refused = ClosedError();
    } else {
      task->request.set_task_id(next_task_id_++);
      submitted_.push_back(std::move(task));
      wake = !std::exchange(wake_is_due_, true);
    }
  }
  if (wake) poller_->Wake();
  if (!refused.ok()) task->Finish(std::move(refused));
}

void PoolLoop::Close() {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }
  poller_->Wake();
}

void PoolLoop::Terminate(absl::Status reason) {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    if (terminated_.ok()) terminated_ = std::move(reason);
  }
  poller_->Wake();
}

bool PoolLoop::closed() {
  absl::MutexLock lock(&mutex_);
  return closed_;
}

absl::Status PoolLoop::Join() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&finished_));
  return failure_;
}

// ---- The owner thread ----

void PoolLoop::Run() {
  std::vector<uint64_t> tokens;
  while (Turn()) {
    poller_->Wait(TimeToNextEvent(), &tokens);
    HandleReady(tokens);
  }
  absl::MutexLock lock(&mutex_);
  finished_ = true;
}

bool PoolLoop::Turn() {
  TakeSubmitted();
  KillOverdue();
  StartMissing();
  if (!ended_.ok()) EndTasks();
  Dispatch();
  DismissIdle();
  return !(stopping_ && queue_.empty() && workers_.empty());
}

void PoolLoop::TakeSubmitted() {
  std::vector<TaskPtr> taken;
  {
    absl::MutexLock lock(&mutex_);
    taken.swap(submitted_);
    wake_is_due_ = false;
    stopping_ = closed_;
    if (ended_.ok()) ended_ = terminated_;
  }
  std::move(taken.begin(), taken.end(), std::back_inserter(queue_));
}

// ---- What workers say ----

void PoolLoop::HandleReady(const std::vector<uint64_t>& tokens) {
  for (const uint64_t token : tokens) {
    // A worker may be gone by an earlier token of the same batch.
    const auto [worker, source] = workers_.Find(token);
    if (worker == nullptr) continue;
    switch (source) {
      case WorkerSet::Source::kResponses:
        HandleResponses(*worker);
        break;
      case WorkerSet::Source::kRequests:
        worker->Flush();
        workers_.Update(*worker);
        break;
      case WorkerSet::Source::kExit:
        HandleExit(*worker);
        break;
    }
  }
}

void PoolLoop::HandleResponses(WorkerProcess& worker) {
  absl::Status status = Receive(worker, kBytesPerTurn);
  if (!status.ok()) workers_.StopReceiving(worker);
  if (absl::IsOutOfRange(status)) {
    // One that was told to leave has its own time for it.
    if (!worker.awaiting_exit() && !worker.dismissed()) {
      worker.AwaitExit(kExitGrace);
    }
  } else if (!status.ok()) {
    worker.Kill(std::move(status));
  }
  workers_.Update(worker);
}

absl::Status PoolLoop::Receive(WorkerProcess& worker, size_t max_bytes) {
  return worker.Receive(max_bytes, [this](TaskPtr task, TaskResponse response) {
    failed_starts_ = 0;
    if (response.has_error()) {
      task->Finish(StatusFromProto(response.error()));
    } else {
      task->Finish(absl::OkStatus(), std::move(*response.mutable_result()));
    }
  });
}

void PoolLoop::HandleExit(WorkerProcess& exited) {
  // What it answered before its end counts.
  absl::Status status = Receive(exited, kBytesAfterExit);
  if (!status.ok() && !absl::IsOutOfRange(status)) {
    exited.Kill(std::move(status));
  }
  const std::unique_ptr<WorkerProcess> worker = workers_.Remove(exited.id());
  const ExitStatus exit_status = worker->Reap();
  if (IsFailedStart(*worker) && ended_.ok()) {
    CountFailedStart(DeathError(*worker, exit_status), absl::ZeroDuration());
  }
  SettleLeases(*worker, exit_status);
}

// The worker answered in order, and at once: only the first task that is left
// can have been started, and none if it was not even ready.
void PoolLoop::SettleLeases(WorkerProcess& worker,
                            const ExitStatus& exit_status) {
  std::deque<TaskPtr>& leases = worker.leases();
  if (!leases.empty() && worker.ready()) {
    TaskPtr task = std::move(leases.front());
    leases.pop_front();
    absl::Status error = LostTaskError(*task, worker, exit_status);
    FailAttempt(std::move(task), std::move(error));
  }
  while (!leases.empty()) {
    queue_.push_front(std::move(leases.back()));
    leases.pop_back();
  }
}

void PoolLoop::FailAttempt(TaskPtr task, absl::Status status) {
  const bool may_retry = ended_.ok() && !absl::IsDeadlineExceeded(status);
  if (!may_retry || task->attempt >= task->max_attempts) {
    task->Finish(std::move(status));
    return;
  }
  ++task->attempt;
  queue_.push_front(std::move(task));
}

// ---- Ends ----

void PoolLoop::KillOverdue() {
  for (WorkerProcess* worker : workers_.Overdue(MonotonicNow())) {
    // The answer may be there, and not yet read.
    HandleResponses(*worker);
    if (worker->deadline() > MonotonicNow()) continue;
    if (worker->frame_deadline() <= MonotonicNow()) {
      worker->Kill(absl::DataLossError(
          "a frame on its channel stopped in the middle: something else than "
          "the worker wrote there"));
    } else if (worker->awaiting_exit()) {
      worker->Kill(absl::UnavailableError("it closed its channel"));
    } else if (worker->dismissed()) {
      worker->Kill(absl::OkStatus());
    } else if (!worker->ready()) {
      worker->Kill(absl::UnavailableError(absl::StrCat(
          "was not ready ", absl::FormatDuration(options_.worker_start_timeout),
          " after its start (worker_start_timeout)")));
    } else {
      worker->Kill(absl::DeadlineExceededError(absl::StrCat(
          "it ran for longer than its timeout of ",
          absl::FormatDuration(worker->leases().front()->timeout))));
    }
    workers_.Update(*worker);
  }
}

void PoolLoop::EndTasks() {
  for (TaskPtr& task : queue_) task->Finish(ended_);
  queue_.clear();
  for (WorkerProcess* worker : workers_.All()) {
    worker->Kill(ended_);
    workers_.Update(*worker);
  }
}

void PoolLoop::Fail(absl::Status reason) {
  absl::MutexLock lock(&mutex_);
  failure_ = reason;
  closed_ = true;
  stopping_ = true;
  ended_ = std::move(reason);
  for (TaskPtr& task : submitted_) queue_.push_back(std::move(task));
  submitted_.clear();
}

// ---- Workers come and go ----

size_t PoolLoop::MissingWorkers() {
  if (!ended_.ok()) return 0;
  size_t usable = 0;
  size_t busy = 0;
  for (const WorkerProcess* worker : workers_.All()) {
    usable += worker->usable() ? 1 : 0;
    busy += worker->usable() && worker->num_leases() > 0 ? 1 : 0;
  }
  size_t wanted = static_cast<size_t>(options_.num_workers);
  if (stopping_) wanted = std::min(wanted, busy + queue_.size());
  return wanted > usable ? wanted - usable : 0;
}

void PoolLoop::StartMissing() {
  if (MonotonicNow() < next_start_) return;
  for (size_t missing = MissingWorkers(); missing > 0; --missing) {
    absl::Status status = StartWorker(/*eager=*/false);
    if (!status.ok()) {
      refused_delay_ = std::min(refused_delay_ * 2, kFailingDelay);
      CountFailedStart(status, refused_delay_);
      return;
    }
    refused_delay_ = kRefusedDelay;
  }
}

absl::Status PoolLoop::StartWorker(bool eager) {
  WorkerProcess::Options options;
  options.id = next_worker_id_++;
  options.config = MakeConfig(options_);
  options.eager = eager;
  options.start_timeout = options_.worker_start_timeout;
  options.frame_timeout = options_.frame_timeout;
  absl::StatusOr<std::unique_ptr<WorkerProcess>> worker =
      WorkerProcess::Start(options, *options_.executor);
  if (!worker.ok()) return worker.status();
  return workers_.Add(*std::move(worker));
}

// The breaker of crash loops. A pool in which some worker lives goes on with
// fewer, and keeps trying; one in which none does has nothing to wait for.
void PoolLoop::CountFailedStart(const absl::Status& reason,
                                absl::Duration delay) {
  ++failed_starts_;
  if (failed_starts_ <= options_.num_workers + kToleratedFailedStarts) {
    next_start_ = MonotonicNow() + delay;
    return;
  }
  next_start_ = MonotonicNow() + kFailingDelay;
  for (const WorkerProcess* worker : workers_.All()) {
    if (worker->ever_answered() && worker->usable()) return;
  }
  Fail(absl::Status(
      reason.code(),
      absl::StrCat("the pool failed: ", failed_starts_,
                   " workers in a row ended before their first answer, or "
                   "could not be started; find out why, and make a new pool; "
                   "the last: ",
                   reason.message())));
}

void PoolLoop::Dispatch() {
  std::set<WorkerProcess*> leased;
  while (!queue_.empty()) {
    WorkerProcess* const worker = workers_.PickForTask();
    if (worker == nullptr) break;
    worker->Lease(std::move(queue_.front()));
    queue_.pop_front();
    workers_.Update(*worker);
    leased.insert(worker);
  }
  // All the requests of a worker in one write.
  for (WorkerProcess* worker : leased) {
    worker->Flush();
    workers_.Update(*worker);
  }
}

void PoolLoop::DismissIdle() {
  if (!stopping_ || !queue_.empty()) return;
  for (WorkerProcess* worker : workers_.All()) {
    if (!worker->usable() || worker->num_leases() > 0) continue;
    worker->Dismiss(options_.worker_exit_timeout);
    workers_.Update(*worker);
  }
}

absl::Duration PoolLoop::TimeToNextEvent() {
  absl::Time next = workers_.NextDeadline();
  if (MissingWorkers() > 0) next = std::min(next, next_start_);
  return std::max(next - MonotonicNow(), absl::ZeroDuration());
}

}  // namespace multiproc
