#include "tests/chaos_round.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>  // NOLINT(build/c++11)
#include <utility>

#include "absl/base/config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/library_thread.h"
#include "tests/chaos_injector.h"
#include "tests/chaos_watchdog.h"
#include "tests/chaos_worker.h"
#include "tests/process_state.h"
#include "tests/temp_path.h"

namespace multiproc {
namespace {

// How much longer things take.
#if defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr int kSlowness = 5;
#elif defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(_WIN32)
constexpr int kSlowness = 3;
#else
constexpr int kSlowness = 1;
#endif

// A worker takes most of a second to start under Wine.
#ifdef _WIN32
constexpr uint64_t kFewestTasks = 10;
constexpr uint64_t kMoreTasks = 10;
#else
constexpr uint64_t kFewestTasks = 24;
constexpr uint64_t kMoreTasks = 60;
#endif

// What takes longer than this was stopped, or is to be killed for it.
constexpr absl::Duration kPatience = absl::Seconds(4 * kSlowness);
// For tasks that never end.
constexpr absl::Duration kShortTimeout = absl::Milliseconds(150 * kSlowness);
// The longest that a round may take: some tasks in a row may find a worker that
// is stopped, each.
constexpr absl::Duration kMostRoundTime = absl::Seconds(120 * kSlowness);

constexpr uint64_t kLargestSize = 200 << 10;
constexpr uint64_t kMemoryLimit = uint64_t{4} << 30;
// The longest time between two kills by a thread, in microseconds.
constexpr uint64_t kLongestKillInterval = 60'000 * kSlowness;
// Items of Map have numbers beyond those of tasks.
constexpr uint64_t kFirstItem = uint64_t{1} << 32;

// Of so many tasks.
constexpr std::pair<ChaosAction, size_t> kShares[] = {
    {ChaosAction::kEcho, 50},
    {ChaosAction::kReport, 6},
    {ChaosAction::kDaemon, 3},
    {ChaosAction::kJumpFromHandler, 3},
    {ChaosAction::kWriteEverywhere, 4},
    {ChaosAction::kCloseDescriptors, 4},
    {ChaosAction::kFail, 6},
    {ChaosAction::kThrow, 3},
    {ChaosAction::kExhaustMemory, 2},
    {ChaosAction::kDie, 6},
    {ChaosAction::kExit, 5},
    {ChaosAction::kJumpToMain, 3},
    {ChaosAction::kWaitForCancel, 3},
    {ChaosAction::kStop, 3},
};

size_t DrawSize(ChaosRandom& random) {
  return static_cast<size_t>(
      random.OneIn(4) ? (std::min)(random.Magnitude(18), kLargestSize)
                      : random.Below(200));
}

}  // namespace

struct ChaosRound::Submitted {
  ChaosPlan plan;
  std::string payload;
  Future<std::string> future;
  std::atomic<int> callbacks{0};
  std::atomic<bool> cancelled{false};
};

ChaosRound::ChaosRound(Executor* executor, bool rerun, uint64_t seed)
    : rerun_(rerun), seed_(seed), folder_(TempPath("chaos")), random_(seed) {
  options_.executor = executor;
  for (const auto& [action, share] : kShares) {
    if (WhyNot(action, rerun).empty()) {
      actions_.insert(actions_.end(), share, action);
    }
  }
}

ChaosRound::~ChaosRound() {
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

// ---- What is drawn ----

void ChaosRound::DrawOptions() {
  ProcessPoolOptions& options = options_;
  options.num_workers = random_.Between(1, 4);
  if (random_.OneIn(5)) {
    options.min_workers = random_.Between(0, options.num_workers);
    options.idle_timeout = absl::Milliseconds(20);
  }
  options.spare_workers = random_.OneIn(4) ? 1 : 0;
  options.max_tasks_per_worker = random_.OneIn(2) ? random_.Between(1, 3) : 0;
  if (options.max_tasks_per_worker > 1) {
    options.max_tasks_jitter =
        random_.Between(0, options.max_tasks_per_worker - 1);
  }
  if (random_.OneIn(6)) options.max_worker_age = absl::Milliseconds(100);
  options.max_leased_tasks = random_.OneIn(4) ? random_.Between(1, 8) : 0;
  if (random_.OneIn(3)) options.spin_time = absl::Microseconds(50);
  if (random_.OneIn(4)) options.max_pending = 8;
  options.cancel_grace =
      random_.OneIn(2) ? absl::ZeroDuration() : kShortTimeout;
  if (random_.OneIn(2)) options.on_output = [](const WorkerOutput&) {};
  options.task_timeout = kPatience;
  options.worker_start_timeout = kPatience;
  options.frame_timeout = kPatience;
  options.worker_exit_timeout = kPatience;
  if (WhyNot(ChaosAction::kExhaustMemory, rerun_).empty() && random_.OneIn(2)) {
    options.worker_limits.memory_bytes = kMemoryLimit;
  }
  options.worker_environment[kChaosVariable] = ChaosVariable({seed_, folder_});
}

ChaosPlan ChaosRound::DrawPlan(uint64_t index) {
  ChaosPlan plan;
  plan.index = index;
  do {
    plan.action = actions_[random_.Below(actions_.size())];
  } while (plan.action == ChaosAction::kExhaustMemory &&
           !options_.worker_limits.memory_bytes.has_value());
  plan.payload_size = DrawSize(random_);
  plan.result_size = DrawSize(random_);
  // What closes its channel says so by the journal alone.
  if (plan.action == ChaosAction::kCloseDescriptors) plan.result_size %= 1000;
  if (random_.OneIn(4)) plan.delay = absl::Microseconds(random_.Below(5000));
  TaskOptions& options = plan.options;
  options.max_attempts = random_.Between(1, 3);
  options.retry_timeouts = random_.OneIn(2);
  options.retry_errors = random_.OneIn(2);
  options.priority = random_.Between(-2, 2);
  if (random_.OneIn(3)) options.label = absl::StrCat("task ", index);
  if (plan.action == ChaosAction::kStop ||
      plan.action == ChaosAction::kWaitForCancel) {
    options.timeout = kShortTimeout;
  }
  plan.pinned = random_.OneIn(12);
  return plan;
}

// ---- The pool's life ----

void ChaosRound::Run(ChaosTotals* totals) {
  ProcessState before = ProcessState::Now();
  // More threads meet at more locks than in other tests.
  before.other_handles += ProcessState::kMoreOtherHandles;
  std::filesystem::create_directory(folder_);
  DrawOptions();
  const uint64_t num_tasks = kFewestTasks + random_.Below(kMoreTasks);
  for (uint64_t i = 0; i < num_tasks; ++i) {
    tasks_.push_back(std::make_unique<Submitted>());
    tasks_.back()->plan = DrawPlan(i);
  }
  {
    const ChaosWatchdog watchdog(kMostRoundTime, [this] { return Describe(); });
    DaemonLeash leash(folder_);
    RunPool();
    EXPECT_TRUE(leash.End(kPatience)) << "a daemon of a task is still there";
  }
  EXPECT_EQ(LeftBehindSince(before), "");
  EXPECT_TRUE(HasNoChild());
  Report(totals);
}

void ChaosRound::RunPool() {
  ChaosInjector::Arm(seed_);
  auto pool = ProcessPool::Create(options_);
  if (!pool.ok()) {
    // Its first workers may have died by then.
    facts_.joined = pool.status();
    tasks_.clear();
    return ChaosInjector::Disarm();
  }
  pool_ = *std::move(pool);
  watched_ = pool_.get();
  {
    const auto killer = LibraryThread::Start([this] { KillNowAndThen(); });
    const size_t num_threads = rerun_ ? 1 + random_.Below(3) : 1;
    std::vector<std::thread> threads;
    for (size_t i = 1; i < num_threads; ++i) {
      threads.emplace_back([=] { SubmitShare(i, num_threads); });
    }
    SubmitShare(0, num_threads);
    for (std::thread& thread : threads) thread.join();
    EndPool();
    no_more_kills_.Notify();
  }
  stats_ = pool_->Stats();
  Settle();
  watched_ = nullptr;
  pool_ = nullptr;
  ChaosInjector::Disarm();
}

void ChaosRound::SubmitShare(size_t thread, size_t num_threads) {
  ChaosRandom random(seed_ + thread);
  for (size_t i = thread; i < tasks_.size(); i += num_threads) {
    Submit(*tasks_[i], random);
    Disturb(thread, *tasks_[i], random);
    // Of its own, and earlier.
    Submitted& victim =
        *tasks_[i - num_threads * random.Below(i / num_threads + 1)];
    if (random.OneIn(10) && victim.future.Cancel()) victim.cancelled = true;
  }
}

void ChaosRound::Submit(Submitted& task, ChaosRandom& random) {
  ChaosPlan& plan = task.plan;
  task.payload = ChaosBytes(seed_ ^ plan.index, "", plan.payload_size);
  const std::vector<uint64_t> ids =
      plan.pinned ? pool_->WorkerIds() : std::vector<uint64_t>();
  plan.pinned = !ids.empty();
  if (plan.pinned) {
    task.future = pool_->SubmitTo(plan.options, ids[random.Below(ids.size())],
                                  RunChaosTask, plan.index, plan.action,
                                  task.payload, plan.result_size, plan.delay);
  } else {
    task.future =
        pool_->Submit(plan.options, RunChaosTask, plan.index, plan.action,
                      task.payload, plan.result_size, plan.delay);
  }
  task.future.OnDone(
      [&task](const absl::StatusOr<std::string>&) { ++task.callbacks; });
  if (plan.action != ChaosAction::kReport) return;
  task.future.OnProgress([this, prefix = absl::StrCat(plan.index, " ")](
                             absl::string_view message) {
    if (!absl::StartsWith(message, prefix)) ++wrong_progress_;
  });
}

void ChaosRound::Disturb(size_t thread, const Submitted& last,
                         ChaosRandom& random) {
  if (random.OneIn(8)) {
    absl::SleepFor(absl::Microseconds(random.Magnitude(12)));
  }
  if (random.OneIn(16)) last.future.WaitWithTimeout(absl::Milliseconds(20));
  if (thread == 0 && random.OneIn(12)) CallPool(random);
}

// Each may find that the pool has failed.
void ChaosRound::CallPool(ChaosRandom& random) {
  switch (random.Below(8)) {
    case 0:
      facts_.cancelled_pending = true;
      pool_->CancelPending();
      break;
    case 1:
    case 2:
      pool_->RestartWorkers().IgnoreError();
      break;
    case 3:
    case 4:
      pool_->Resize(random.Between(1, 4)).IgnoreError();
      break;
    default:
      Map(random);
  }
}

void ChaosRound::Map(ChaosRandom& random) {
  std::vector<uint64_t> indexes(10 + random.Below(30));
  for (size_t i = 0; i < indexes.size(); ++i) {
    indexes[i] = kFirstItem + items_.size() + i;
  }
  MapOptions options;
  options.chunk_size = random.Below(6);
  options.task.max_attempts = random.Between(1, 2);
  const auto outcomes = pool_->TryMap(options, RunChaosItem, indexes);
  EXPECT_EQ(outcomes.size(), indexes.size());
  for (size_t i = 0; i < outcomes.size(); ++i) {
    TaskFate fate;
    fate.plan.index = indexes[i];
    fate.plan.is_item = true;
    fate.plan.action =
        indexes[i] % kDeadlyItem == 0 ? ChaosAction::kDie : ChaosAction::kEcho;
    fate.plan.options = options.task;
    fate.status = outcomes[i].status();
    fate.right_value =
        outcomes[i].ok() && *outcomes[i] == indexes[i] * indexes[i];
    fate.callbacks = 1;
    items_.push_back(std::move(fate));
  }
}

void ChaosRound::EndPool() {
  ChaosRandom random(seed_ + 99);
  switch (random.Below(8)) {
    case 0:
      facts_.terminated = true;
      pool_->Terminate();
      break;
    case 1:
      facts_.terminated = true;
      pool_->Drain(kShortTimeout).IgnoreError();
      break;
    default:
      pool_->Close();
  }
  facts_.joined = pool_->Join();
}

void ChaosRound::KillNowAndThen() {
  ChaosRandom random(seed_ + 98);
  const auto interval = [&random] {
    return absl::Microseconds(random.Below(kLongestKillInterval));
  };
  while (!no_more_kills_.WaitForNotificationWithTimeout(interval())) {
    const PoolStats stats = pool_->Stats();
    if (wrong_moment_.empty()) wrong_moment_ = JudgeMoment(stats);
    const size_t count = stats.each_worker.size();
    if (count == 0) continue;
    const WorkerStats& worker = stats.each_worker[random.Below(count)];
    // Too many deaths of those that start, and the pool gives up.
    if (worker.state == WorkerState::kStarting && !random.OneIn(16)) continue;
    // Once: a second one would cost a task.
    if (random.OneIn(4) && facts_.sent_sigterm.count(worker.pid) == 0) {
      if (!ChaosInjector::Terminate(worker.pid)) continue;
      facts_.sent_sigterm.insert(worker.pid);
    } else {
      ChaosInjector::Kill(worker.pid);
    }
  }
}

// ---- The accounting ----

// All have their outcome: Get does not wait.
void ChaosRound::Settle() {
  for (const std::unique_ptr<Submitted>& task : tasks_) {
    TaskFate fate;
    fate.plan = task->plan;
    EXPECT_TRUE(task->future.Ready()) << "task " << fate.plan.index;
    const absl::StatusOr<std::string> outcome = task->future.Get();
    fate.status = outcome.status();
    fate.right_value =
        outcome.ok() &&
        *outcome == ChaosTaskResult(fate.plan.index, task->payload,
                                    fate.plan.result_size);
    fate.callbacks = task->callbacks;
    fate.cancelled = task->cancelled;
    fates_.push_back(std::move(fate));
  }
}

void ChaosRound::Report(ChaosTotals* totals) {
  facts_.captured = options_.on_output != nullptr;
  facts_.workers = ReadWorkerRecords(folder_);
  facts_.killed = ChaosInjector::Killed();
  facts_.CountRuns();
  std::vector<TaskFate> all = fates_;
  all.insert(all.end(), items_.begin(), items_.end());
  for (const TaskFate& fate : all) EXPECT_EQ(Judge(fate, facts_), "");
  EXPECT_EQ(JudgeDeaths(all), "");
  EXPECT_EQ(JudgeStats(stats_, CountOutcomes(fates_, facts_), !items_.empty(),
                       facts_),
            "");
  EXPECT_EQ(wrong_moment_, "");
  EXPECT_EQ(wrong_progress_, 0u) << "messages of other tasks";
  totals->tasks += fates_.size();
  totals->items += items_.size();
  totals->Add(fates_, stats_, facts_);
}

std::string ChaosRound::Describe() {
  std::string text = absl::StrCat("round with seed ", seed_);
  for (const std::unique_ptr<Submitted>& task : tasks_) {
    if (task->callbacks == 0) {
      absl::StrAppend(&text, "\n  task ", task->plan.index, " '",
                      NameOf(task->plan.action), "' had no callback");
    }
  }
  ProcessPool* const pool = watched_;
  if (pool == nullptr) return absl::StrCat(text, "\n  no pool");
  const PoolStats stats = pool->Stats();
  absl::StrAppend(&text, "\n  ", stats.tasks.queued, " queued, ",
                  stats.tasks.leased, " leased");
  for (const WorkerStats& worker : stats.each_worker) {
    absl::StrAppend(&text, "\n  worker ", worker.id, " pid ", worker.pid,
                    ", state ", static_cast<int>(worker.state), ", ",
                    worker.tasks_done, " done, ", worker.tasks_leased,
                    " leased, runs ", worker.running_task_id, ", age ",
                    absl::FormatDuration(worker.age));
  }
  return text;
}

}  // namespace multiproc
