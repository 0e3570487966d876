#include "multiproc/pool/pool_loop.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/cpu_count.h"
#include "multiproc/executors/monotonic_clock.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/nesting.h"
#include "multiproc/pool/resident_memory.h"
#include "multiproc/pool/turnover.h"
#include "multiproc/pool/worker_log.h"

namespace multiproc {
namespace {

// What is read from one worker before the others get their turn.
constexpr size_t kBytesPerTurn = size_t{1} << 20;
// What a pipe can hold, after its writer has gone (pipe(7)): 1 MiB unless root
// has raised the limit.
constexpr size_t kBytesAfterExit = size_t{64} << 20;

// Beyond as many as there are workers, this many may fail to start in a row
// before the pool gives up.
constexpr int kToleratedFailedStarts = 4;
// Before the next start, if workers fail while others live; and the longest
// delay after a start that the system refused (too many processes, no memory).
constexpr absl::Duration kFailingDelay = absl::Seconds(1);

// What lies in front of a busy worker is given to an idle one only if it is
// work for this long: else it is done before it has arrived there.
constexpr absl::Duration kWorthStealing = absl::Microseconds(200);

// A worker is sent no more at a time than this, unless it is one task.
constexpr size_t kMostQueuedBytes = size_t{256} << 10;

// Shorter tasks don't wait for what can take longer: the CPU is all they use.
// And to wake another worker takes as long (docs/performance.md).
constexpr absl::Duration kWorthWaking = absl::Microseconds(20);

// A round trip takes longer than this, unless both sides poll.
constexpr absl::Duration kQuickSuccession = absl::Microseconds(20);

// The owner thread rests no longer than this while answers gather.
constexpr absl::Duration kLongestRest = absl::Microseconds(400);
// And not at all for fewer than this.
constexpr int kAnswersWorthARest = 4;

// How often an idle worker is looked at that may not leave, at most.
constexpr absl::Duration kIdleLook = absl::Seconds(1);

// How often the memory of workers is looked at, unless it takes more than this
// share of the time.
constexpr absl::Duration kMemoryLook = absl::Milliseconds(50);
constexpr int kMemoryLookShare = 50;

absl::Status ClosedError() {
  return absl::FailedPreconditionError(
      "the pool is closed: Submit before Close, Join or Terminate");
}

// What a worker itself looks at after each task. One that would be killed in
// its next task, which may not be to blame, had better leave before it.
size_t MaxResidentBytes(const ProcessPoolOptions& options) {
  const size_t soft = options.max_worker_memory_bytes;
  const size_t hard = options.kill_worker_memory_bytes;
  return soft == 0 || hard == 0 ? std::max(soft, hard) : std::min(soft, hard);
}

// Of which worker_id and what follows from it are still to be said.
WorkerConfig MakeConfig(const ProcessPoolOptions& options) {
  WorkerConfig config;
  config.set_layout(WorkerMemory::kLayout);
  if (options.initializer.call() != nullptr) {
    *config.mutable_initializer() = *options.initializer.call();
  }
  if (options.finalizer.call() != nullptr) {
    *config.mutable_finalizer() = *options.finalizer.call();
  }
  config.set_max_resident_bytes(MaxResidentBytes(options));
  config.set_tag_logs(options.tag_logs);
  config.set_pool_depth(static_cast<uint32_t>(PoolDepth()) + 1);
  config.set_max_frame_bytes(options.max_frame_bytes);
  return config;
}

// Less by some of the jitter, spread evenly over workers in a row: by the
// golden ratio.
uint32_t MaxTasks(const ProcessPoolOptions& options, uint64_t worker_id) {
  constexpr uint32_t kGoldenRatio = 0x9E3779B9;
  const uint64_t fraction = static_cast<uint32_t>(worker_id * kGoldenRatio);
  const auto jitter = static_cast<uint64_t>(options.max_tasks_jitter) + 1;
  return static_cast<uint32_t>(options.max_tasks_per_worker) -
         static_cast<uint32_t>(fraction * jitter >> 32);
}

std::unique_ptr<PendingLimit> MakeLimit(const ProcessPoolOptions& options) {
  if (options.max_pending == 0 && options.max_pending_bytes == 0) {
    return nullptr;
  }
  return std::make_unique<PendingLimit>(options.max_pending,
                                        options.max_pending_bytes);
}

// Null without a callback.
std::shared_ptr<OutputRelay> MakeRelay(OutputRelay::Callback on_output,
                                       OutputRelay::Post post,
                                       std::function<void()> wake) {
  if (on_output == nullptr) return nullptr;
  return std::make_shared<OutputRelay>(std::move(on_output), std::move(post),
                                       std::move(wake));
}

// Why the worker of a task that is overdue is killed.
absl::Status OverdueError(Task& task, absl::Duration default_grace) {
  if (task.kill_at() > MonotonicNow()) {
    return absl::DeadlineExceededError(
        absl::StrCat("it ran for longer than its timeout of ",
                     absl::FormatDuration(task.timeout)));
  }
  const absl::Duration grace = task.rare().cancel_grace.value_or(default_grace);
  return absl::CancelledError(
      absl::StrCat("it was cancelled, and did not end within its cancel_grace "
                   "of ",
                   absl::FormatDuration(grace)));
}

// Whether its death says that workers can't be had: it was never of use, and no
// task can have been the cause.
bool IsFailedStart(const WorkerProcess& worker) {
  return !worker.ever_answered() && worker.NumBegun() == 0 &&
         !worker.dismissed();
}

}  // namespace

class ABSL_SCOPED_LOCKABLE PoolLoop::Section {
 public:
  explicit Section(PoolLoop* loop)
      ABSL_EXCLUSIVE_LOCK_FUNCTION(loop->loop_mutex_)
      : loop_(loop) {
    loop_->loop_mutex_.Lock();
    loop_->stats_.BeginBatch();
  }
  ~Section() ABSL_UNLOCK_FUNCTION() {
    std::vector<TaskPtr> ended;
    ended.swap(loop_->ended_tasks_);
    // In the order in which tasks end, and before the loop can end.
    for (const TaskPtr& task : ended) FutureState::PostCallbacks(task);
    if (loop_->events_ != nullptr) loop_->events_->Deliver();
    loop_->loop_mutex_.Unlock();
    for (const TaskPtr& task : ended) task->WakeWaiters();
  }

  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

 private:
  PoolLoop* const loop_;
};

struct PoolLoop::Claim {
  // Its handle stays open as long as somebody waits for it.
  std::shared_ptr<WorkerProcess> worker;
  std::unique_ptr<AnswerWait> wait;
};

absl::StatusOr<std::shared_ptr<PoolLoop>> PoolLoop::Start(
    const ProcessPoolOptions& options) {
  absl::StatusOr<std::unique_ptr<Poller>> poller = Poller::Create();
  if (!poller.ok()) return poller.status();
  std::shared_ptr<PoolLoop> loop(new PoolLoop(options, *std::move(poller)));
  absl::Status status = loop->StartAllWorkers();
  // Without its thread no line would ever be delivered.
  if (status.ok() && loop->output_ != nullptr) {
    status = loop->callbacks_.Start();
  }
  // Nor would anybody be told.
  if (status.ok() && loop->events_ != nullptr) status = loop->events_->Start();
  if (!status.ok()) return status;
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
      num_cpus_(CountCpus()),
      cpu_share_(CpuShareOf(num_cpus_)),
      output_(MakeRelay(
          options.on_output,
          [this](auto callback) { Post(std::move(callback)); },
          [this] {
            absl::MutexLock lock(&loop_mutex_);
            if (poller_ != nullptr) poller_->Wake();
          })),
      events_(PoolEvents::For(options.observers)),
      poller_(std::move(poller)),
      limit_(MakeLimit(options)),
      oom_watch_(FindOomKillCounter()),
      policy_(static_cast<size_t>(options.max_leased_tasks)),
      workers_(&policy_, poller_.get()),
      spinner_(num_cpus_ > 1 ? options.spin_time : absl::ZeroDuration()),
      size_(PoolSize::Of(options, options.num_workers)),
      num_workers_(options.num_workers) {
  workers_.set_may_grow(size_.elastic());
}

// Here, and not on the owner thread: a fork is safest while the program has no
// other thread, and an error belongs to the caller.
absl::Status PoolLoop::StartAllWorkers() {
  Section section(this);
  if (options_.tag_logs) PrepareLogTags();
  for (size_t i = 0; i < size_.least; ++i) {
    absl::Status status = StartWorker(/*eager=*/true);
    if (!status.ok()) return status;
  }
  for (int i = 0; i < options_.spare_workers; ++i) {
    absl::Status status = StartWorker(/*eager=*/false, /*spare=*/true);
    if (!status.ok()) return status;
  }
  has_idle_worker_ = true;
  return absl::OkStatus();
}

void PoolLoop::Shutdown() {
  Terminate(absl::CancelledError("the pool was destroyed"));
  thread_->Join();
  if (events_ != nullptr) events_->Shutdown();
  Section section(this);
  spare_waits_.clear();
  absl::MutexLock lock(&mutex_);
  poller_ = nullptr;
}

// ---- Called by any thread ----

void PoolLoop::Submit(TaskPtr task) {
  // Who submits and waits needs the owner thread for nothing else.
  if (events_ != nullptr && !events_->IsCurrent()) events_->AwaitRoom();
  absl::Status refused;
  {
    absl::MutexLock lock(&mutex_);
    refused = WhyClosed();
    if (refused.ok()) {
      task->id = next_task_id_++;
      submitted_bytes_ += task->argument_bytes();
      submitted_.push_back(std::move(task));
    }
  }
  if (!refused.ok()) {
    if (limit_ != nullptr) limit_->Remove(task->argument_bytes());
    CountRefused();
    task->set_run_time_ns(0);
    return FutureState::Fulfil(task, std::move(refused), "");
  }
  // A busy worker's next answer makes somebody look at the queue.
  if (has_idle_worker_ && !wake_is_due_) return Feed();
  Attend();
}

absl::Status PoolLoop::WhyClosed() {
  if (!failure_.ok()) return failure_;
  return closed_ ? ClosedError() : absl::OkStatus();
}

// A worker that has got its only task from a caller is not watched by the owner
// thread at first: the caller is about to wait for it itself, mostly, and that
// would be two system calls. Whoever turns to the pool next without doing so
// has it watched.
void PoolLoop::Attend() {
  if (!has_unattended_) return;
  Section section(this);
  WatchUnattended();
}

void PoolLoop::WatchUnattended() {
  has_unattended_ = false;
  for (const uint64_t id : std::exchange(unattended_, {})) {
    const std::shared_ptr<WorkerProcess> worker = workers_.Get(id);
    if (worker == nullptr || worker->claim() != nullptr) continue;
    if (worker->usable()) workers_.ResumeReceiving(*worker);
  }
}

// Of tasks that are submitted in quick succession each would be written alone,
// at a cost for which the owner thread can take many: it is woken once for
// them.
void PoolLoop::Feed() {
  Section section(this);
  WatchUnattended();
  const absl::Time now = MonotonicNow();
  if (workers_.num_leased() > 0 && now - last_feed_ < kQuickSuccession) {
    if (!wake_is_due_.exchange(true)) poller_->Wake();
    return;
  }
  last_feed_ = now;
  // With a limit others may wait for that answer, in Submit.
  DispatchAll(limit_ == nullptr ? WatchAnswer::kLater : WatchAnswer::kNow);
  WakeOwnerIfNeeded();
}

void PoolLoop::Close() {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }
  if (limit_ != nullptr) limit_->Open();
  Wake();
}

void PoolLoop::Wake() {
  absl::MutexLock lock(&mutex_);
  if (poller_ != nullptr) poller_->Wake();
}

void PoolLoop::Terminate(absl::Status reason) {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    if (terminated_.ok()) terminated_ = std::move(reason);
  }
  if (limit_ != nullptr) limit_->Open();
  if (events_ != nullptr) events_->Release();
  Wake();
}

bool PoolLoop::closed() {
  absl::MutexLock lock(&mutex_);
  return closed_;
}

bool PoolLoop::WaitForEnd(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&finished_), timeout);
}

absl::Status PoolLoop::failure() {
  absl::MutexLock lock(&mutex_);
  return failure_;
}

size_t PoolLoop::num_cut_off() {
  Section section(this);
  return static_cast<size_t>(stats_.num_cut_off());
}

// Somebody may wait by it for what nobody else waits for.
PoolStats PoolLoop::Stats() {
  Section section(this);
  WatchUnattended();
  absl::MutexLock lock(&mutex_);
  size_t queued = submitted_.size() + queue_.size();
  const std::vector<WorkerProcess*> workers = workers_.All();
  for (const WorkerProcess* worker : workers) queued += worker->num_pinned();
  PoolStats stats =
      stats_.Snapshot(workers, queued, next_task_id_ - 1, submitted_bytes_);
  stats.tasks.refused = num_refused_;
  stats.tasks.run_by_caller = num_run_by_caller_;
  return stats;
}

absl::Status PoolLoop::Resize(int num_workers) {
  Section section(this);
  absl::MutexLock lock(&mutex_);
  absl::Status closed = WhyClosed();
  if (!closed.ok()) return closed;
  size_ = PoolSize::Of(options_, num_workers);
  workers_.set_may_grow(size_.elastic());
  num_workers_ = num_workers;
  poller_->Wake();
  return absl::OkStatus();
}

absl::Status PoolLoop::RestartWorkers() {
  Section section(this);
  absl::MutexLock lock(&mutex_);
  absl::Status closed = WhyClosed();
  if (!closed.ok()) return closed;
  for (WorkerProcess* worker : workers_.All()) {
    worker->MarkStale(&WorkerEnds::restarted);
    if (worker->spare()) DismissSpare(*worker);
    workers_.Update(*worker);
  }
  poller_->Wake();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TaskPtr>> PoolLoop::SubmitToEach(
    const std::function<TaskPtr()>& make_task) {
  Section section(this);
  WatchUnattended();
  std::vector<TaskPtr> tasks;
  {
    absl::MutexLock lock(&mutex_);
    absl::Status closed = WhyClosed();
    if (!closed.ok()) return closed;
    for (WorkerProcess* worker : workers_.All()) {
      if (!worker->addressable()) continue;
      tasks.push_back(make_task());
      if (limit_ != nullptr) limit_->Add(tasks.back()->argument_bytes());
      Pin(*worker, tasks.back());
    }
  }
  LeaseAllPinned();
  // What they say wakes it, and what they don't has a deadline.
  poller_->Wake();
  return tasks;
}

absl::Status PoolLoop::SubmitTo(uint64_t worker_id, TaskPtr task) {
  Section section(this);
  WatchUnattended();
  {
    absl::MutexLock lock(&mutex_);
    absl::Status closed = WhyClosed();
    if (!closed.ok()) return closed;
    const std::shared_ptr<WorkerProcess> worker = workers_.Get(worker_id);
    if (worker == nullptr || !worker->addressable()) {
      return absl::NotFoundError(absl::StrCat(
          "there is no worker ", worker_id,
          ", or it is about to leave: WorkerIds tells which there are"));
    }
    Pin(*worker, std::move(task));
  }
  LeaseAllPinned();
  poller_->Wake();
  return absl::OkStatus();
}

void PoolLoop::Pin(WorkerProcess& worker, TaskPtr task) {
  task->id = next_task_id_++;
  submitted_bytes_ += task->argument_bytes();
  task->pinned = true;
  if (events_ != nullptr) events_->Submitted(*task);
  worker.Pin(std::move(task));
  pinned_workers_.insert(worker.id());
}

std::vector<uint64_t> PoolLoop::WorkerIds() {
  Section section(this);
  std::vector<uint64_t> ids;
  for (const WorkerProcess* worker : workers_.All()) {
    if (worker->addressable()) ids.push_back(worker->id());
  }
  return ids;
}

void PoolLoop::Post(std::function<void()> callback) {
  callbacks_.Post(std::move(callback));
}

// ---- A caller that waits for an answer itself ----

void PoolLoop::Help(FutureState& state, absl::Time deadline) {
  // Every state that this loop owns is a task.
  const Task& task = static_cast<const Task&>(state);
  std::optional<Claim> claim;
  absl::Duration spin_time;
  uint64_t position = 0;
  {
    Section section(this);
    if (!state.done()) claim = BeginClaim(task);
    WatchUnattended();
    if (!claim.has_value()) return;
    spin_time = spinner_.NextTime();
    position = claim->worker->received_bytes();
  }
  const auto is_there = [&] { return claim->worker->HasSentFrom(position); };
  // A great answer comes in parts.
  bool go_on = true;
  while (go_on) {
    const bool spun = claim->wait->Wait(claim->worker->responses(), spin_time,
                                        is_there, deadline);
    Section section(this);
    go_on = UseClaim(*claim, spun);
    const uint64_t before =
        std::exchange(position, claim->worker->received_bytes());
    if (spin_time > absl::ZeroDuration()) {
      const bool found = spun && position != before;
      spinner_.Record(found);
      // What the memory says may be wrong.
      if (!found) spin_time = absl::ZeroDuration();
    }
    // One that is tried again may run anywhere.
    go_on = go_on && !state.done() && task.worker == claim->worker.get() &&
            MonotonicNow() < deadline;
    if (!go_on) EndClaim(*claim);
  }
}

std::optional<PoolLoop::Claim> PoolLoop::BeginClaim(const Task& task) {
  WorkerProcess* const worker = task.worker;
  // With other tasks before or behind it the owner thread reads many answers at
  // a time.
  if (worker == nullptr || !worker->ready() || !worker->usable() ||
      worker->num_leases() != 1 || worker->leases().front().get() != &task ||
      worker->claim() != nullptr) {
    return std::nullopt;
  }
  Claim claim;
  if (spare_waits_.empty()) {
    claim.wait = AnswerWait::Create();
    if (claim.wait == nullptr) return std::nullopt;
  } else {
    claim.wait = std::move(spare_waits_.back());
    spare_waits_.pop_back();
  }
  claim.worker = workers_.Get(worker->id());
  worker->set_claim(claim.wait.get());
  workers_.StopReceiving(*worker);
  return claim;
}

// Reads what has come; false if the claim is over: somebody else has dropped
// it, or there is nothing more to come. Who was woken by the pipe reads that.
bool PoolLoop::UseClaim(Claim& claim, bool spun) {
  WorkerProcess& worker = *claim.worker;
  if (worker.claim() != claim.wait.get()) return false;
  HandleReceived(
      worker, spun ? worker.ReceiveSoonest(kBytesPerTurn, AnswerHandler(worker))
                   : worker.Receive(kBytesPerTurn, AnswerHandler(worker)));
  WakeOwnerIfNeeded();
  return worker.usable();
}

void PoolLoop::EndClaim(Claim& claim) {
  WorkerProcess& worker = *claim.worker;
  if (worker.claim() == claim.wait.get()) {
    worker.set_claim(nullptr);
    // One that has nothing to do says nothing, and its exit is watched apart.
    // But for what it has answered and is still to write.
    if (worker.usable() &&
        (worker.num_leases() > 0 || worker.has_much_to_write())) {
      workers_.ResumeReceiving(worker);
    }
    DispatchAll(WatchAnswer::kNow);
    WakeOwnerIfNeeded();
  } else {
    claim.wait->Reset();
  }
  spare_waits_.push_back(std::move(claim.wait));
}

// Somebody else has found what is to be found there.
void PoolLoop::DropClaim(WorkerProcess& worker) {
  if (worker.claim() == nullptr) return;
  worker.claim()->Stop();
  worker.set_claim(nullptr);
  if (worker.usable()) workers_.ResumeReceiving(worker);
}

// ---- Cancelling ----

bool PoolLoop::Cancel(const std::shared_ptr<FutureState>& state) {
  // Every state that this loop owns is a task.
  const TaskPtr task = std::static_pointer_cast<Task>(state);
  Section section(this);
  // By then it may be gone, and all else with it.
  if (task->done()) return false;
  TakeSubmitted();
  if (task->worker != nullptr) Recall(*task->worker, *task);
  const bool ends = !task->done();
  WorkerProcess* const worker = task->worker;
  if (ends && worker == nullptr) {
    CancelUnbegun(task);
    queue_.Drop();
  } else if (ends && worker->Unpin(*task)) {
    CancelUnbegun(task);
    // It may have waited for this one alone to leave.
    workers_.Update(*worker);
  } else if (ends) {
    TellToEnd(*worker, *task);
  }
  DispatchAll(WatchAnswer::kNow);
  WakeOwnerIfNeeded();
  return ends;
}

// After it the task, if its worker has not begun it, is in the queue, or among
// those that are pinned to its worker and not leased; it has ended, if
// its answer is there; or its worker is running it, or is as good as gone.
void PoolLoop::Recall(WorkerProcess& worker, const Task& task) {
  if (!worker.usable()) return;
  HandleResponses(worker);
  absl::Status status = worker.ReceiveUnwritten(AnswerHandler(worker));
  if (!status.ok() && !absl::IsOutOfRange(status)) {
    worker.Kill(std::move(status));
  }
  if (worker.IsUnbegunLease(task)) TakeBack(worker);
  workers_.Update(worker);
}

void PoolLoop::CancelUnbegun(const TaskPtr& task) {
  task->cancelled = true;
  End(task, CancelledTaskError(*task, " before it began"),
      &TaskCounts::cancelled);
}

void PoolLoop::TellToEnd(WorkerProcess& worker, Task& task) {
  task.cancelled = true;
  if (!worker.usable()) return;
  const std::optional<absl::Duration>& grace = task.rare().cancel_grace;
  worker.Cancel(task, grace.value_or(options_.cancel_grace));
  workers_.Update(worker);
}

size_t PoolLoop::CancelPending() {
  Section section(this);
  TakeSubmitted();
  size_t count = 0;
  std::vector<TaskPtr> tasks;
  for (WorkerProcess* worker : workers_.All()) {
    while (worker->has_pinned()) tasks.push_back(worker->TakePinned());
    if (worker->NumBegun() >= worker->num_leases()) continue;
    if (worker->usable()) {
      for (TaskPtr& task : Reclaim(*worker)) tasks.push_back(std::move(task));
      workers_.Update(*worker);
    }
    // Of one that is about to be gone, or could not be taken back.
    std::deque<TaskPtr>& leases = worker->leases();
    for (size_t i = worker->NumBegun(); i < leases.size(); ++i) {
      if (!std::exchange(leases[i]->cancelled, true)) ++count;
    }
  }
  for (TaskPtr& task : queue_.TakeAll()) tasks.push_back(std::move(task));
  count += tasks.size();
  for (const TaskPtr& task : tasks) CancelUnbegun(task);
  DispatchAll(WatchAnswer::kNow);
  WakeOwnerIfNeeded();
  return count;
}

void PoolLoop::Listen(FutureState& state) {
  Task& task = static_cast<Task&>(state);
  Section section(this);
  if (task.done()) return;
  task.wants_progress = true;
  if (task.worker != nullptr) task.worker->Listen(task);
  WatchUnattended();
}

// A caller may have made an event that is due before the owner thread wakes.
void PoolLoop::WakeOwnerIfNeeded() {
  if (stopping_ || NextEvent() < owner_sleeps_until_) Wake();
}

// ---- The owner thread ----

void PoolLoop::Run() {
  std::vector<uint64_t> tokens;
  while (true) {
    absl::Duration rest;
    absl::Time until;
    {
      Section section(this);
      HandleReady(tokens);
      if (!Turn()) break;
      rest = RestTime();
      until = NextEvent();
      owner_sleeps_until_ = until;
    }
    if (events_ != nullptr) events_->AwaitRoom();
    if (rest > absl::ZeroDuration()) absl::SleepFor(rest);
    poller_->Wait(std::max(until - MonotonicNow(), absl::ZeroDuration()),
                  &tokens);
  }
  if (events_ != nullptr) events_->AwaitAllTold();
  absl::MutexLock lock(&mutex_);
  finished_ = true;
}

bool PoolLoop::Turn() {
  // Whoever submits from here on wakes this thread again.
  wake_is_due_ = false;
  WatchUnattended();
  if (output_ != nullptr) workers_.set_output_paused(output_->IsFull());
  TakeSubmitted();
  HandleOverdue();
  LookAtMemory();
  TurnOver();
  if (!ended_.ok()) EndTasks();
  // No task waits until others have been started.
  EnlistSpares();
  DispatchAll(WatchAnswer::kNow);
  StartMissing();
  if (!ended_.ok()) EndTasks();
  DismissIdle();
  if (events_ != nullptr) {
    for (const WorkerProcess* worker : workers_.All()) events_->Look(*worker);
  }
  return !(stopping_ && queue_.empty() && workers_.empty());
}

bool PoolLoop::TakeSubmitted() {
  absl::MutexLock lock(&mutex_);
  stopping_ = closed_;
  if (ended_.ok()) ended_ = terminated_;
  if (submitted_.empty()) return false;
  QueueSubmitted();
  return true;
}

void PoolLoop::QueueSubmitted() {
  if (events_ != nullptr) {
    for (const TaskPtr& task : submitted_) events_->Submitted(*task);
  }
  for (TaskPtr& task : submitted_) queue_.PushBack(std::move(task));
  submitted_.clear();
}

// While all workers have enough, answers come one by one, and each would wake
// this thread: it lets some gather. Nobody waits for it meanwhile but those who
// want a result, for a moment.
absl::Duration PoolLoop::RestTime() const {
  const size_t fewest = workers_.fewest_leases();
  const absl::Duration mean = policy_.mean_run_time();
  if (fewest < 2) return absl::ZeroDuration();
  const absl::Duration rest =
      std::min(mean * (static_cast<double>(fewest - 1) / 2), kLongestRest);
  return rest < mean * kAnswersWorthARest ? absl::ZeroDuration() : rest;
}

absl::Time PoolLoop::NextEvent() const {
  absl::Time next = workers_.NextDeadline();
  if (MissingWorkers() > 0 || MissingSpares() > 0) {
    next = std::min(next, next_start_);
  }
  if (options_.kill_worker_memory_bytes > 0 && workers_.num_busy() > 0) {
    next = std::min(next, next_memory_look_);
  }
  return next;
}

// ---- Tasks to workers ----

void PoolLoop::DispatchAll(WatchAnswer watch) {
  TakeSubmitted();
  LeaseAllPinned();
  do {
    Dispatch(watch);
    if (queue_.empty() && StealForIdle()) {
      // Others wait for these, and not on their new workers' pipes.
      watch = WatchAnswer::kNow;
      Dispatch(watch);
    }
    const bool may_grow = size_.elastic() && workers_.num_usable() < size_.most;
    // Of a pool that grows each new task may be one that starts a worker.
    const bool grows =
        may_grow && workers_.num_busy() + queue_.size() < size_.most;
    has_idle_worker_ = grows || (queue_.empty() && workers_.HasIdle());
    // Whoever submits from here on sees that.
  } while (has_idle_worker_ && TakeSubmitted());
}

void PoolLoop::Dispatch(WatchAnswer watch) {
  while (!queue_.empty()) {
    const bool cpus_are_busy = CpusAreBusy();
    WorkerProcess* const worker = PickWorker(cpus_are_busy);
    if (worker == nullptr) break;
    LeaseTo(*worker, cpus_are_busy, watch);
  }
}

// Null if no worker is to have more for now.
WorkerProcess* PoolLoop::PickWorker(bool cpus_are_busy) {
  WorkerProcess* const first = workers_.PickForTasks();
  if (first == nullptr || first->num_leases() > 0 || !cpus_are_busy) {
    return first;
  }
  WorkerProcess* const busy = workers_.PickBusy();
  const bool flows = busy == nullptr || busy->patient_since() >= FlowsSince();
  return flows ? busy : first;
}

// Whether the tasks are over sooner than a worker is woken, and enough workers
// are awake for all CPUs: another one would add to the cost, and to nothing
// else. Those that are in a long task are none of them.
bool PoolLoop::CpusAreBusy() const {
  const absl::Duration mean = policy_.mean_run_time();
  const auto enough = static_cast<size_t>(2 * num_cpus_);
  return mean > absl::ZeroDuration() && mean < kWorthWaking &&
         workers_.num_busy() >= enough &&
         workers_.AreBusySince(enough, FlowsSince());
}

// Half of the time after which tasks that wait are given to others.
absl::Time PoolLoop::FlowsSince() const {
  return MonotonicNow() - policy_.patience() / 2;
}

// As many tasks as it is to have, in one write.
void PoolLoop::LeaseTo(WorkerProcess& worker, bool cpus_are_busy,
                       WatchAnswer watch) {
  size_t most = worker.ready()
                    ? std::min(policy_.max_leases(), FairShare(cpus_are_busy))
                    : 1;
  const size_t before = worker.num_leases();
  most = std::min(most, before + worker.TasksLeft());
  do {
    worker.Lease(queue_.PopFront());
  } while (!queue_.empty() && worker.num_leases() < most &&
           worker.queued_bytes() < kMostQueuedBytes);
  if (events_ != nullptr) events_->Leased(worker, before);
  worker.Flush();
  workers_.Update(worker);
  if (workers_.IsReceiving(worker) || worker.claim() != nullptr) return;
  if (watch == WatchAnswer::kLater && worker.num_leases() == 1 &&
      !worker.leases().front()->wants_progress) {
    unattended_.push_back(worker.id());
    has_unattended_ = true;
  } else {
    workers_.ResumeReceiving(worker);
  }
}

// No worker gets a second helping while another has none.
size_t PoolLoop::FairShare(bool cpus_are_busy) const {
  const size_t tasks = queue_.size() + workers_.num_leased();
  const size_t takers =
      cpus_are_busy ? workers_.num_busy() : workers_.num_usable();
  const size_t workers = std::max<size_t>(takers, 1);
  return (tasks + workers - 1) / workers;
}

bool PoolLoop::StealForIdle() {
  const WorkerProcess* const idle = workers_.PickForTasks();
  if (idle == nullptr || idle->num_leases() > 0 || !idle->ready()) return false;
  if (CpusAreBusy()) return false;
  WorkerProcess* const busy = workers_.MostLeased();
  if (busy == nullptr || busy->num_leases() < 2) return false;
  if (!workers_.MayTakeBack(*busy)) return false;
  // What it has not even begun is on the way to it.
  if (busy->NumBegun() == 0) return false;
  const double behind = static_cast<double>(busy->num_leases() - 1);
  if (policy_.mean_run_time() * behind < kWorthStealing) return false;
  TakeBack(*busy);
  return !queue_.empty();
}

void PoolLoop::TakeBack(WorkerProcess& worker) {
  Requeue(worker, Reclaim(worker));
}

// What it has not begun: nobody's, until it is put somewhere. Kills a worker
// that can't be believed.
std::vector<TaskPtr> PoolLoop::Reclaim(WorkerProcess& worker) {
  DropClaim(worker);
  absl::StatusOr<std::vector<TaskPtr>> tasks = worker.TakeBack();
  if (!tasks.ok()) {
    worker.Kill(tasks.status());
    return {};
  }
  worker.Flush();
  if (events_ != nullptr) events_->TakenBack(*tasks);
  for (TaskPtr& task : *tasks) task->worker = nullptr;
  return *std::move(tasks);
}

// What was reclaimed from `worker`. Pinned tasks wait for it again.
void PoolLoop::Requeue(WorkerProcess& worker, std::vector<TaskPtr> tasks) {
  const auto pinned =
      std::stable_partition(tasks.begin(), tasks.end(),
                            [](const TaskPtr& task) { return !task->pinned; });
  if (pinned != tasks.end()) {
    worker.PinAgain(std::vector<TaskPtr>(std::make_move_iterator(pinned),
                                         std::make_move_iterator(tasks.end())));
    pinned_workers_.insert(worker.id());
    tasks.erase(pinned, tasks.end());
  }
  queue_.PushFront(std::move(tasks));
  workers_.Update(worker);
}

void PoolLoop::LeaseAllPinned() {
  for (auto id = pinned_workers_.begin(); id != pinned_workers_.end();) {
    const std::shared_ptr<WorkerProcess> worker = workers_.Get(*id);
    if (worker != nullptr) LeasePinned(*worker);
    const bool more = worker != nullptr && worker->has_pinned();
    id = more ? std::next(id) : pinned_workers_.erase(id);
  }
}

// Behind what the worker has, and before what is queued; no more at a time than
// of other tasks.
void PoolLoop::LeasePinned(WorkerProcess& worker) {
  if (!worker.usable() || !worker.has_pinned()) return;
  if (worker.wants_to_leave()) return LoseLeft(worker);
  const size_t most = worker.ready() ? policy_.max_leases() : 1;
  const size_t before = worker.num_leases();
  if (worker.taken_back() || before > most / 2) return;
  do {
    worker.Lease(worker.TakePinned());
  } while (worker.has_pinned() && worker.num_leases() < most &&
           worker.queued_bytes() < kMostQueuedBytes);
  if (events_ != nullptr) events_->Leased(worker, before);
  worker.Flush();
  if (worker.claim() == nullptr) workers_.ResumeReceiving(worker);
  workers_.Update(worker);
}

// It begins nothing more.
void PoolLoop::LoseLeft(WorkerProcess& worker) {
  while (worker.has_pinned()) {
    TaskPtr task = worker.TakePinned();
    absl::Status error = ended_.ok() ? LeftTaskError(*task, worker) : ended_;
    Finish(std::move(task), std::move(error));
  }
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
      case WorkerSet::Source::kStdout:
        HandleOutput(*worker, WorkerOutput::Stream::kStdout);
        break;
      case WorkerSet::Source::kStderr:
        HandleOutput(*worker, WorkerOutput::Stream::kStderr);
        break;
    }
  }
}

void PoolLoop::HandleResponses(WorkerProcess& worker) {
  DropClaim(worker);
  ReadResponses(worker);
}

void PoolLoop::ReadResponses(WorkerProcess& worker) {
  HandleReceived(worker, worker.Receive(kBytesPerTurn, AnswerHandler(worker)));
}

void PoolLoop::HandleReceived(WorkerProcess& worker, absl::Status status) {
  if (!status.ok()) workers_.StopReceiving(worker);
  if (absl::IsOutOfRange(status)) {
    // Its exit follows at once, or as soon as a busy machine comes to it, or it
    // has lost the channel that it can't do without. One that was told to leave
    // has that time already.
    if (!worker.awaiting_exit() && !worker.dismissed()) {
      worker.AwaitExit(options_.worker_exit_timeout);
    }
  } else if (!status.ok()) {
    worker.Kill(std::move(status));
  }
  FailForStartError(worker);
  workers_.Update(worker);
}

WorkerProcess::AnswerCallback PoolLoop::AnswerHandler(
    const WorkerProcess& worker) {
  stats_.BeginBatch();
  return [this, &worker](TaskPtr task, TaskResponse& response,
                         PackedBytes attachment)
             ABSL_EXCLUSIVE_LOCKS_REQUIRED(loop_mutex_) {
               HandleAnswer(worker, std::move(task), response,
                            std::move(attachment));
             };
}

void PoolLoop::HandleAnswer(const WorkerProcess& worker, TaskPtr task,
                            TaskResponse& response, PackedBytes attachment) {
  failed_starts_ = 0;
  const auto run_time_ns = static_cast<int64_t>(response.run_time_ns());
  policy_.Record(run_time_ns);
  stats_.CountAnswer(run_time_ns);
  absl::Status error;
  if (response.has_error()) {
    error = AnswerError(*task, worker, response.error());
  }
  if (events_ != nullptr) events_->Answered(*task, response, error);
  if (response.has_error()) {
    return HandleError(std::move(task), std::move(error), run_time_ns);
  }
  CountOut(*task, &TaskCounts::succeeded, error, run_time_ns);
  const bool notify =
      response.has_attached()
          ? task->SetGreat(std::move(attachment))
          : task->Set(absl::OkStatus(), std::move(*response.mutable_result()));
  if (notify) ended_tasks_.push_back(std::move(task));
}

// Its own, or why its worker could not run it.
void PoolLoop::HandleError(TaskPtr task, absl::Status error,
                           int64_t run_time_ns) {
  TaskOutcome outcome = &TaskCounts::failed;
  if (task->cancelled) {
    outcome = &TaskCounts::cancelled;
    error = CancelledTaskError(
        *task, absl::StrCat(", and ended with ", error.ToString()));
  } else if (task->retry_errors && IsTaskError(error) && TryAgain(*task)) {
    queue_.PushFront({std::move(task)});
    return;
  }
  End(std::move(task), std::move(error), outcome, run_time_ns);
}

void PoolLoop::HandleOutput(WorkerProcess& worker,
                            WorkerOutput::Stream stream) {
  if (workers_.output_paused()) return;
  worker.capture()->Read(stream);
  workers_.set_output_paused(output_->IsFull());
  workers_.Update(worker);
}

void PoolLoop::HandleExit(WorkerProcess& exited) {
  DropClaim(exited);
  if (exited.capture() != nullptr) exited.capture()->ReadRest();
  // What it answered before its end counts.
  absl::Status status =
      exited.ReceiveRest(kBytesAfterExit, AnswerHandler(exited));
  if (!status.ok() && !absl::IsOutOfRange(status)) {
    exited.Kill(std::move(status));
  }
  const std::shared_ptr<WorkerProcess> worker = workers_.Remove(exited.id());
  WorkerDeath death = {worker->Reap(), std::nullopt};
  if (!worker->killed()) {
    death.oom_killed = oom_watch_.Explain(death.exit_status);
  }
  const WorkerEnd cause =
      stats_.CountEnd(*worker, ended_, death.oom_killed.value_or(false));
  if (events_ != nullptr) {
    events_->WorkerEnded(*worker, cause, death.exit_status);
  }
  if (!FailForStartError(*worker) && IsFailedStart(*worker) && ended_.ok()) {
    CountFailedStart(DeathError(*worker, death), absl::ZeroDuration());
  }
  SettleLeases(*worker, death);
}

// The worker answered in order and at once, and counted what it began: the one
// that it had begun is lost, and no other was started.
void PoolLoop::SettleLeases(WorkerProcess& worker, const WorkerDeath& death) {
  std::deque<TaskPtr>& leases = worker.leases();
  const auto first_unbegun =
      leases.begin() + static_cast<ptrdiff_t>(worker.NumBegun());
  for (const TaskPtr& task : leases) task->worker = nullptr;
  std::vector<TaskPtr> lost(leases.begin(), first_unbegun);
  std::vector<TaskPtr> unbegun(first_unbegun, leases.end());
  leases.clear();
  if (events_ != nullptr) events_->TakenBack(unbegun);
  std::vector<TaskPtr> again;
  for (TaskPtr& task : lost) {
    absl::Status error = LostTaskError(*task, worker, death);
    const bool may_be = absl::IsDeadlineExceeded(error) ? task->retry_timeouts
                                                        : task->retry_crashes;
    if (may_be && TryAgain(*task)) {
      again.push_back(std::move(task));
    } else {
      Finish(std::move(task), std::move(error));
    }
  }
  for (TaskPtr& task : unbegun) {
    if (task->cancelled) {
      absl::Status error = CancelledTaskError(*task, " before it began");
      Finish(std::move(task), std::move(error));
    } else if (task->pinned) {
      worker.Pin(std::move(task));
    } else {
      again.push_back(std::move(task));
    }
  }
  LoseLeft(worker);
  queue_.PushFront(std::move(again));
}

bool PoolLoop::TryAgain(Task& task) {
  if (!ended_.ok() || task.cancelled || task.pinned ||
      task.attempt >= task.max_attempts) {
    return false;
  }
  ++task.attempt;
  if (events_ != nullptr) events_->Retried(task);
  stats_.CountRetry();
  return true;
}

void PoolLoop::Finish(TaskPtr task, absl::Status status) {
  const TaskOutcome outcome =
      ended_.ok() ? StatsRecorder::OutcomeOf(status) : &TaskCounts::cut_off;
  End(std::move(task), std::move(status), outcome);
}

void PoolLoop::End(TaskPtr task, absl::Status status, TaskOutcome outcome,
                   int64_t run_time_ns) {
  CountOut(*task, outcome, status, run_time_ns);
  if (task->Set(std::move(status), "")) ended_tasks_.push_back(std::move(task));
}

// It is about to have its outcome, in place of its arguments: whoever sees that
// finds room.
void PoolLoop::CountOut(Task& task, TaskOutcome outcome,
                        const absl::Status& status, int64_t run_time_ns) {
  if (events_ != nullptr) events_->Ended(task, outcome, status);
  if (limit_ != nullptr) limit_->Remove(task.argument_bytes());
  stats_.CountOutcome(task, outcome);
  task.set_run_time_ns(run_time_ns);
}

// ---- Ends ----

void PoolLoop::HandleOverdue() {
  for (WorkerProcess* worker : workers_.Overdue(MonotonicNow())) {
    if (worker->leave_at() <= MonotonicNow()) {
      SeeToLeaving(*worker);
    } else if (IsOverdue(*worker)) {
      KillOverdue(*worker);
    } else if (workers_.PatienceEnd(*worker) <= MonotonicNow()) {
      LosePatience(*worker);
    }
    workers_.Update(*worker);
  }
}

// The answer may be there, and not yet read, or not yet written.
bool PoolLoop::IsOverdue(WorkerProcess& worker) {
  const absl::Time now = MonotonicNow();
  HandleResponses(worker);
  if (worker.deadline() > now) return false;
  worker.ReceiveUnwritten(AnswerHandler(worker)).IgnoreError();
  return worker.deadline() <= now;
}

// It runs a long task: what it has answered before is to be known, and what
// waits behind it to run elsewhere. (A task that it has not begun is on the way
// still: it would not arrive sooner anywhere else.)
void PoolLoop::LosePatience(WorkerProcess& worker) {
  absl::Status status = worker.ReceiveUnwritten(AnswerHandler(worker));
  if (!status.ok() && !absl::IsOutOfRange(status)) {
    worker.Kill(std::move(status));
  } else if (workers_.PatienceEnd(worker) > MonotonicNow()) {
    // It has answered, and runs something else.
  } else if (worker.NumBegun() > 0 && workers_.MayTakeBack(worker)) {
    TakeBack(worker);
  } else {
    worker.RestartPatience(MonotonicNow());
  }
}

void PoolLoop::KillOverdue(WorkerProcess& worker) {
  if (worker.frame_deadline() <= MonotonicNow()) {
    worker.Kill(absl::DataLossError(
        "a frame on its channel stopped in the middle: something else than "
        "the worker wrote there"));
  } else if (worker.awaiting_exit()) {
    worker.Kill(
        absl::UnavailableError("it closed its channel, and did not end"));
  } else if (worker.dismissed()) {
    worker.Kill(absl::OkStatus());
  } else if (!worker.ready()) {
    worker.Kill(absl::UnavailableError(absl::StrCat(
        "was not ready ", absl::FormatDuration(options_.worker_start_timeout),
        " after its start (worker_start_timeout)")));
  } else {
    if (worker.num_leases() > 1 && worker.NumBegun() > 0) {
      // It might end the task now, and begin the next, which the kill would
      // hit.
      TakeBack(worker);
      if (!IsOverdue(worker)) return;
    }
    Task& overdue = *worker.leases().front();
    worker.KillForTask(overdue.id,
                       OverdueError(overdue, options_.cancel_grace));
  }
}

void PoolLoop::LookAtMemory() {
  if (options_.kill_worker_memory_bytes == 0) return;
  const absl::Time begin = MonotonicNow();
  if (begin < next_memory_look_) return;
  for (WorkerProcess* worker : workers_.All()) {
    if (!worker->usable() || worker->num_leases() == 0) continue;
    const uint64_t head = worker->leases().front()->id;
    const std::optional<uint64_t> bytes = ResidentBytes(worker->pid());
    if (bytes.value_or(0) <= options_.kill_worker_memory_bytes) continue;
    KillForMemory(*worker, head, *bytes);
    workers_.Update(*worker);
  }
  const absl::Duration taken = MonotonicNow() - begin;
  next_memory_look_ = begin + std::max(kMemoryLook, taken * kMemoryLookShare);
}

// If it runs the task `id` still. One that has ended it leaves by itself.
void PoolLoop::KillForMemory(WorkerProcess& worker, uint64_t id,
                             uint64_t bytes) {
  if (worker.NumBegun() == 0) return;
  if (worker.num_leases() > 1) TakeBack(worker);
  HandleResponses(worker);
  worker.ReceiveUnwritten(AnswerHandler(worker)).IgnoreError();
  if (!worker.usable() || worker.NumBegun() == 0) return;
  if (worker.leases().front()->id != id) return;
  worker.KillForTask(
      id,
      absl::ResourceExhaustedError(absl::StrCat(
          "its worker took ", bytes, " bytes of memory, and may take ",
          options_.kill_worker_memory_bytes, " (kill_worker_memory_bytes)")));
}

void PoolLoop::EndTasks() {
  for (TaskPtr& task : queue_.TakeAll()) Finish(std::move(task), ended_);
  for (WorkerProcess* worker : workers_.All()) {
    LoseLeft(*worker);
    worker->Kill(ended_);
    workers_.Update(*worker);
  }
}

void PoolLoop::Fail(absl::Status reason) {
  if (!ended_.ok()) return;
  absl::MutexLock lock(&mutex_);
  failure_ = reason;
  closed_ = true;
  stopping_ = true;
  ended_ = std::move(reason);
  QueueSubmitted();
  if (limit_ != nullptr) limit_->Open();
}

// ---- Workers come and go ----

size_t PoolLoop::WantedWorkers() const {
  if (!ended_.ok()) return 0;
  // An idle worker is about to take from the queue.
  const size_t busy = workers_.num_busy();
  const size_t wanted =
      size_.Wanted(busy + (workers_.HasIdle() ? 0 : queue_.size()));
  return stopping_ ? std::min(wanted, busy + queue_.size()) : wanted;
}

size_t PoolLoop::MissingWorkers() const {
  const size_t wanted = WantedWorkers();
  const size_t usable = workers_.num_usable();
  if (wanted <= usable) return 0;
  // Those that leave slowly must not become ever more.
  const size_t present = usable + workers_.num_on_their_way_out();
  const size_t room = present < 2 * size_.most ? 2 * size_.most - present : 0;
  return std::min(wanted - usable, room);
}

// Whether one that leaves now would be replaced at once.
bool PoolLoop::MayReplace() const {
  const size_t usable = workers_.num_usable();
  return WantedWorkers() <= usable &&
         usable + workers_.num_on_their_way_out() < 2 * size_.most;
}

size_t PoolLoop::MissingSpares() const {
  if (!ended_.ok() || stopping_) return 0;
  // As above.
  if (workers_.num_on_their_way_out() > size_.most) return 0;
  const auto wanted = static_cast<size_t>(options_.spare_workers);
  return wanted - std::min(wanted, workers_.num_spare());
}

void PoolLoop::EnlistSpares() {
  for (size_t missing = MissingWorkers(); missing > 0; --missing) {
    WorkerProcess* const spare = workers_.PickSpare();
    if (spare == nullptr) return;
    spare->Enlist();
    workers_.Update(*spare);
  }
}

void PoolLoop::DismissSpare(WorkerProcess& spare) {
  spare.Leave(&WorkerEnds::max_age);
  spare.Dismiss(options_.worker_exit_timeout);
}

void PoolLoop::StartMissing() {
  if (MonotonicNow() < next_start_) return;
  size_t missing = MissingWorkers();
  for (size_t all = missing + MissingSpares(); all > 0; --all) {
    const bool spare = missing == 0;
    if (!spare) --missing;
    absl::Status status = StartWorker(/*eager=*/false, spare);
    if (!status.ok()) {
      refused_delay_ = std::min(refused_delay_ * 2, kFailingDelay);
      CountFailedStart(status, refused_delay_);
      return;
    }
    refused_delay_ = kRefusedDelay;
  }
}

absl::Status PoolLoop::StartWorker(bool eager, bool spare) {
  WorkerProcess::Options options;
  options.spare = spare;
  options.id = next_worker_id_++;
  options.config = MakeConfig(options_);
  options.config.set_worker_id(options.id);
  options.config.set_cpu_share(
      static_cast<uint32_t>(CpuShareOfWorker(cpu_share_, num_workers_)));
  // One CPU is left for whoever submits.
  if (num_workers_ < num_cpus_) {
    options.config.set_spin_time_ns(
        static_cast<uint64_t>(absl::ToInt64Nanoseconds(options_.spin_time)));
  }
  options.output = output_;
  if (output_ != nullptr) options.config.set_output_nonce(output_->nonce());
  options.config.set_tell_start(events_ != nullptr);
  options.max_tasks = MaxTasks(options_, options.id);
  options.max_age = options_.max_worker_age;
  if (options_.min_workers >= 0) options.idle_timeout = options_.idle_timeout;
  options.eager = eager;
  options.start_timeout = options_.worker_start_timeout;
  options.environment = options_.worker_environment;
  options.limits = options_.worker_limits;
  options.program = options_.worker_program;
  options.frame_timeout = options_.frame_timeout;
  absl::StatusOr<std::unique_ptr<WorkerProcess>> worker =
      WorkerProcess::Start(options, *options_.executor);
  absl::Status status = worker.status();
  if (status.ok()) status = workers_.Add(*std::move(worker));
  if (status.ok() && events_ != nullptr) {
    events_->WorkerStarted(*workers_.Get(options.id));
  }
  stats_.CountStart(status);
  return status;
}

// If its initializer said one: it would say it in the next worker, too.
bool PoolLoop::FailForStartError(const WorkerProcess& worker) {
  const absl::Status& error = worker.start_error();
  if (error.ok()) return false;
  const FunctionCall* const call = options_.initializer.call();
  absl::Status failure(
      error.code(),
      absl::StrCat("the pool failed: the initializer '",
                   call == nullptr ? "" : call->function(), "' in worker pid ",
                   worker.pid(), ": ", error.message()));
  error.ForEachPayload([&failure](absl::string_view url, const absl::Cord& p) {
    failure.SetPayload(url, absl::Cord(std::string(p)));
  });
  Fail(std::move(failure));
  return true;
}

// The breaker of crash loops. A pool in which some worker lives goes on with
// fewer, and keeps trying; one in which none does has nothing to wait for.
void PoolLoop::CountFailedStart(const absl::Status& reason,
                                absl::Duration delay) {
  ++failed_starts_;
  if (failed_starts_ <= num_workers_ + kToleratedFailedStarts) {
    next_start_ = MonotonicNow() + delay;
    return;
  }
  next_start_ = MonotonicNow() + kFailingDelay;
  if (SomeWorkerLives()) return;
  Fail(absl::Status(
      reason.code(),
      absl::StrCat("the pool failed: ", failed_starts_,
                   " workers in a row ended before their first answer, or "
                   "could not be started; find out why, and make a new pool; "
                   "the last: ",
                   reason.message())));
}

// One that is ready will have a task, and so an outcome for it.
bool PoolLoop::SomeWorkerLives() {
  const std::vector<WorkerProcess*> all = workers_.All();
  return std::any_of(all.begin(), all.end(), [](const WorkerProcess* worker) {
    return worker->usable() && worker->ready();
  });
}

void PoolLoop::TurnOver() {
  if (!ended_.ok()) return;
  while (WorkerProcess* const worker =
             NextToLeave(workers_, size_.most, MayReplace())) {
    LetLeave(*worker, &WorkerEnds::resized);
  }
}

// After this its time is another, or it would never rest.
void PoolLoop::SeeToLeaving(WorkerProcess& worker) {
  if (worker.wants_to_leave()) {
    LetLeave(worker, worker.was_terminated() ? &WorkerEnds::sigterm
                                             : &WorkerEnds::max_memory);
  } else if (worker.leaving() || worker.TasksLeft() == 0) {
    LetLeave(worker, &WorkerEnds::max_tasks);
  } else if (worker.spare()) {
    DismissSpare(worker);
  } else if (worker.too_old(MonotonicNow())) {
    worker.MarkStale(&WorkerEnds::max_age);
  } else if (workers_.num_staying() > size_.least && queue_.empty()) {
    LetLeave(worker, &WorkerEnds::idle);
  } else {
    // Not too soon again, however short idle_timeout is.
    worker.RestartPatience(
        MonotonicNow() +
        std::max(kIdleLook - options_.idle_timeout, absl::ZeroDuration()));
  }
}

// What waits behind the task that it runs is for others. (What it has not even
// begun is on the way to it: it runs that, or a pool whose workers leave all
// the time would never run anything.)
void PoolLoop::LetLeave(WorkerProcess& worker, WorkerEnd reason) {
  worker.Leave(reason);
  const size_t begun = worker.NumBegun();
  if (worker.wants_to_leave() || (begun > 0 && worker.num_leases() > begun)) {
    TakeBack(worker);
  }
  if (worker.wants_to_leave()) LoseLeft(worker);
  if (worker.usable() && worker.num_leases() > 0 && worker.wants_to_leave()) {
    worker.Kill(absl::DataLossError("it began a task when it wanted to leave"));
  } else if (worker.usable() && worker.idle()) {
    worker.Dismiss(options_.worker_exit_timeout);
  }
  workers_.Update(worker);
}

void PoolLoop::DismissIdle() {
  if (!stopping_ || !queue_.empty()) return;
  for (WorkerProcess* worker : workers_.All()) {
    if (!worker->usable() || !worker->idle()) continue;
    worker->Leave(&WorkerEnds::closed);
    worker->Dismiss(options_.worker_exit_timeout);
    workers_.Update(*worker);
  }
}

}  // namespace multiproc
