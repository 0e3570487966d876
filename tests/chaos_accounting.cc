#include "tests/chaos_accounting.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multiproc/functions/task_status.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// The breaker of crash loops: so many in a row, of a pool of one worker.
constexpr size_t kFailedStarts = 6;

bool ReturnsValue(ChaosAction action) {
  return action <= ChaosAction::kCloseDescriptors;
}

size_t RunsOf(const TaskFate& fate, const RoundFacts& facts) {
  const auto found = facts.runs.find(fate.plan.index);
  return found == facts.runs.end() ? 0 : found->second;
}

size_t MaxAttempts(const ChaosPlan& plan) {
  return plan.pinned ? 1 : static_cast<size_t>(plan.options.max_attempts);
}

bool HasRecord(const RoundFacts& facts, int64_t pid, WorkerRecord record) {
  const auto found = facts.workers.find(pid);
  return found != facts.workers.end() && found->second.Has(record);
}

// Whether somebody else than the pool sent it SIGKILL.
bool WasKilled(const RoundFacts& facts, int64_t pid) {
  return facts.killed.count(pid) > 0 ||
         HasRecord(facts, pid, WorkerRecord::kKilled) ||
         HasRecord(facts, pid, WorkerRecord::kDies);
}

bool WasStopped(const RoundFacts& facts, int64_t pid) {
  return HasRecord(facts, pid, WorkerRecord::kStopped) ||
         HasRecord(facts, pid, WorkerRecord::kStops);
}

// Nothing is tried again by a pool that has been terminated, or has failed.
bool HasEnded(const RoundFacts& facts) {
  return facts.terminated || !facts.joined.ok();
}

bool IsPoolsFailure(const TaskFate& fate, const RoundFacts& facts) {
  return !facts.joined.ok() && fate.status.code() == facts.joined.code() &&
         absl::StrContains(fate.status.message(), facts.joined.message());
}

// Why its worker may have died as `failure` says, by which it was lost.
std::string JudgeDeath(const TaskFate& fate, const TaskFailure& failure,
                       const RoundFacts& facts) {
  const int64_t pid = failure.worker_pid();
  const bool closed = HasRecord(facts, pid, WorkerRecord::kClosed);
  if (failure.has_signal()) {
    // One that has closed its channel, and was stopped then, is killed.
    if (failure.signal() == kSigKill &&
        (WasKilled(facts, pid) || (closed && WasStopped(facts, pid)))) {
      return "";
    }
    return "nobody killed its worker";
  }
  if (!failure.has_exit_code()) {
    return fate.plan.pinned && RunsOf(fate, facts) == 0
               ? ""
               : "nobody knows how its worker ended";
  }
  const uint32_t code = failure.exit_code();
  if (code == kExitCode && fate.plan.action == ChaosAction::kExit) return "";
  if (code == kJumpCode && fate.plan.action == ChaosAction::kJumpToMain) {
    return "";
  }
  // Without its channel it can't go on.
  if (code == 1 && closed) return "";
  return "it did not exit with that code";
}

// Of a worker that somebody killed at any time one can't know whether it has
// begun a task; nor of one whose output is captured, and which marks there what
// it begins, by pipes that the injector watches, too. Others die within a task
// or between two: of those that are lost each was the last.
std::string JudgeLastRun(const TaskFate& fate, int64_t pid,
                         const RoundFacts& facts) {
  const auto worker = facts.workers.find(pid);
  if (fate.plan.is_item || facts.captured || facts.killed.count(pid) > 0) {
    return "";
  }
  return worker != facts.workers.end() && !worker->second.runs.empty() &&
                 worker->second.runs.back() == fate.plan.index
             ? ""
             : "it was not what its worker ran last";
}

// Of an error for which the pool tries again, as often as it may.
std::string JudgeAttempts(const TaskFate& fate, const TaskFailure& failure,
                          bool tries_again, const RoundFacts& facts) {
  const auto attempt = static_cast<size_t>(failure.attempt());
  const size_t most = MaxAttempts(fate.plan);
  if (attempt > most) return "too many attempts";
  if (tries_again && attempt < most && !HasEnded(facts)) {
    return "too few attempts";
  }
  if (RunsOf(fate, facts) > attempt) return "more runs than attempts";
  return "";
}

std::string JudgeFailure(const TaskFate& fate, const TaskFailure& failure,
                         const RoundFacts& facts) {
  const int64_t pid = failure.worker_pid();
  if (failure.label() != fate.plan.options.label) return "not its label";
  switch (fate.status.code()) {
    case absl::StatusCode::kUnavailable: {
      std::string wrong = JudgeDeath(fate, failure, facts);
      if (wrong.empty() && (failure.has_signal() || failure.has_exit_code())) {
        wrong = JudgeLastRun(fate, pid, facts);
      }
      return wrong.empty() ? JudgeAttempts(fate, failure, true, facts) : wrong;
    }
    case absl::StatusCode::kDataLoss:
      if (!HasRecord(facts, pid, WorkerRecord::kGarbage) &&
          !HasRecord(facts, pid, WorkerRecord::kStopped)) {
        return "its worker wrote no garbage";
      }
      return JudgeAttempts(fate, failure, true, facts);
    case absl::StatusCode::kDeadlineExceeded:
      if (fate.plan.action != ChaosAction::kWaitForCancel &&
          !WasStopped(facts, pid)) {
        return "it had the time";
      }
      return JudgeAttempts(fate, failure, fate.plan.options.retry_timeouts,
                           facts);
    default:
      return "not an error of the pool's";
  }
}

std::string JudgeOwnError(const TaskFate& fate, const RoundFacts& facts) {
  if (fate.status.code() != OwnErrorOf(fate.plan.action)) {
    return "not its own error";
  }
  const size_t runs = RunsOf(fate, facts);
  if (runs == 0) return "its own error without a run";
  // Each attempt was a run, but for those of which the worker died too soon.
  if (fate.plan.options.retry_errors && MaxAttempts(fate.plan) > 1 &&
      runs == 1 && facts.NumKills() == 0) {
    return "not tried again";
  }
  return "";
}

std::string JudgeSuccess(const TaskFate& fate, const RoundFacts& facts) {
  if (!ReturnsValue(fate.plan.action)) return "it can't end well";
  if (!fate.right_value) return "a wrong value";
  return RunsOf(fate, facts) == 0 ? "a value without a run" : "";
}

bool MayBeCancelled(const TaskFate& fate, const RoundFacts& facts) {
  return fate.cancelled || facts.cancelled_pending || facts.terminated;
}

std::string JudgeStatus(const TaskFate& fate, const RoundFacts& facts) {
  const absl::Status& status = fate.status;
  if (status.ok()) return JudgeSuccess(fate, facts);
  if (IsTaskError(status)) return JudgeOwnError(fate, facts);
  if (IsPoolsFailure(fate, facts)) return "";
  if (absl::IsCancelled(status)) {
    return MayBeCancelled(fate, facts) ? "" : "nobody cancelled it";
  }
  const std::optional<TaskFailure> failure = GetTaskFailure(status);
  if (failure.has_value()) return JudgeFailure(fate, *failure, facts);
  // Its worker was gone, or the pool was closed, before it was submitted.
  if (RunsOf(fate, facts) > 0) return "refused, and run";
  if (absl::IsNotFound(status) && fate.plan.pinned) return "";
  return absl::IsFailedPrecondition(status) && facts.terminated
             ? ""
             : "an error without a reason";
}

// Whether it may be what Create, or Join, returned.
std::string JudgePool(const RoundFacts& facts) {
  const absl::string_view message = facts.joined.message();
  if (facts.joined.ok()) return "";
  size_t fewest = 0;
  if (absl::StrContains(message, "workers in a row")) {
    fewest = kFailedStarts;
  } else if (absl::StrContains(message, "was to set the limits ended")) {
    fewest = 1;
  }
  const size_t deaths = facts.NumKills() + facts.sent_sigterm.size() +
                        facts.Count(WorkerRecord::kStopped);
  return fewest > 0 && deaths >= fewest
             ? ""
             : absl::StrCat("the pool failed, for no reason: ",
                            facts.joined.ToString());
}

template <typename T>
std::string Join(const std::map<std::string, T>& counts) {
  return absl::StrJoin(counts, " ", absl::PairFormatter(":"));
}

}  // namespace

void RoundFacts::CountRuns() {
  for (const auto& [pid, records] : workers) {
    for (const uint64_t index : records.runs) ++runs[index];
  }
}

size_t RoundFacts::Count(WorkerRecord record) const {
  size_t count = 0;
  for (const auto& [pid, records] : workers) {
    const auto found = records.counts.find(record);
    if (found != records.counts.end()) count += found->second;
  }
  return count;
}

size_t RoundFacts::NumKills() const {
  return killed.size() + Count(WorkerRecord::kKilled);
}

std::string Judge(const TaskFate& fate, const RoundFacts& facts) {
  std::string wrong = JudgeStatus(fate, facts);
  const size_t runs = RunsOf(fate, facts);
  if (wrong.empty() && runs > MaxAttempts(fate.plan)) wrong = "run too often";
  if (wrong.empty() && fate.callbacks != 1) wrong = "not one callback";
  if (wrong.empty()) return "";
  return absl::StrCat(
      wrong, ": task ", fate.plan.index, " '", NameOf(fate.plan.action), "', ",
      runs, " runs of ", MaxAttempts(fate.plan), ", ", fate.callbacks,
      " callbacks, ", fate.plan.pinned ? "pinned, " : "",
      fate.cancelled ? "cancelled, " : "", fate.status.ToString());
}

std::string JudgeDeaths(const std::vector<TaskFate>& fates) {
  std::map<int64_t, std::set<uint64_t>> lost;
  for (const TaskFate& fate : fates) {
    const std::optional<TaskFailure> failure = GetTaskFailure(fate.status);
    if (!absl::IsUnavailable(fate.status) || !failure.has_value()) continue;
    if (!failure->has_signal() && !failure->has_exit_code()) continue;
    lost[failure->worker_pid()].insert(failure->task_id());
  }
  for (const auto& [pid, tasks] : lost) {
    if (tasks.size() > 1) {
      return absl::StrCat("tasks ", absl::StrJoin(tasks, ", "),
                          " were lost with the one worker ", pid);
    }
  }
  return "";
}

OutcomeCounts CountOutcomes(const std::vector<TaskFate>& fates,
                            const RoundFacts& facts) {
  OutcomeCounts counts;
  for (const TaskFate& fate : fates) {
    if (fate.status.ok()) {
      ++counts.succeeded;
    } else if (IsTaskError(fate.status)) {
      ++counts.failed;
    } else if (absl::IsCancelled(fate.status) || IsPoolsFailure(fate, facts)) {
      ++counts.cut_off;
    } else if (absl::IsDeadlineExceeded(fate.status)) {
      ++counts.timed_out;
    } else if (GetTaskFailure(fate.status).has_value()) {
      ++counts.lost;
    } else {
      ++counts.refused;
    }
  }
  return counts;
}

std::string JudgeMoment(const PoolStats& stats) {
  if (stats.tasks.submitted != stats.tasks.Ended() + stats.tasks.Pending()) {
    return absl::StrCat(stats.tasks.submitted, " submitted, but ",
                        stats.tasks.Ended(), " ended, and ",
                        stats.tasks.Pending(), " pending");
  }
  if (stats.workers.started !=
      stats.each_worker.size() + stats.worker_ends.Total()) {
    return absl::StrCat(stats.workers.started, " workers started, but ",
                        stats.each_worker.size(), " there, and ",
                        stats.worker_ends.Total(), " ended");
  }
  return "";
}

std::string JudgeStats(const PoolStats& stats, const OutcomeCounts& counts,
                       bool has_chunks, const RoundFacts& facts) {
  std::string wrong = JudgeMoment(stats);
  if (wrong.empty()) wrong = JudgePool(facts);
  if (!wrong.empty()) return wrong;
  if (stats.tasks.Pending() > 0) return "tasks that have no outcome";
  if (!stats.each_worker.empty()) return "workers that are not gone";
  size_t further_runs = 0;
  for (const auto& [index, runs] : facts.runs) further_runs += runs - 1;
  if (!has_chunks && further_runs > stats.tasks.retries) {
    return absl::StrCat(further_runs, " further runs, but ",
                        stats.tasks.retries, " retries");
  }
  const auto compare = [&](const char* name, uint64_t counted, uint64_t told) {
    if (counted == told || (has_chunks && counted < told)) return;
    absl::StrAppend(&wrong, counted, " ", name, ", but Stats() tells of ", told,
                    "; ");
  };
  compare("succeeded", counts.succeeded, stats.tasks.succeeded);
  compare("failed", counts.failed, stats.tasks.failed);
  const TaskCounts& tasks = stats.tasks;
  const uint64_t cut_off = tasks.cancelled + tasks.cut_off;
  if (!HasEnded(facts)) {
    compare("were lost", counts.lost, tasks.lost);
    compare("timed out", counts.timed_out, tasks.timed_out);
    compare("were cancelled", counts.cut_off, cut_off);
    compare("were refused", counts.refused, tasks.refused);
  } else {
    // One whose worker has died, and that is not tried again since the pool has
    // ended, has the error of the one, and counts as cut off by the other. What
    // is submitted then has the pool's error, too.
    compare("ended by an error of the pool's",
            counts.lost + counts.timed_out + counts.cut_off + counts.refused,
            tasks.lost + tasks.timed_out + cut_off + tasks.refused);
  }
  return wrong;
}

void ChaosTotals::Add(const std::vector<TaskFate>& fates,
                      const PoolStats& stats, const RoundFacts& facts) {
  ++rounds;
  for (const TaskFate& fate : fates) {
    const absl::StatusCode code = fate.status.code();
    ++outcomes[IsTaskError(fate.status) ? "OWN_ERROR"
                                        : absl::StatusCodeToString(code)];
  }
  for (const auto& [index, count] : facts.runs) runs += count;
  retries += stats.tasks.retries;
  workers += stats.workers.started;
  if (!facts.joined.ok()) ++failed_pools;
  for (const auto& [pid, side] : facts.killed) {
    ++kills[side == ChaosInjector::Side::kPool ? "pool_byte" : "any_time"];
  }
  kills["worker_byte"] += facts.Count(WorkerRecord::kKilled);
  deeds["sent_sigterm"] += facts.sent_sigterm.size();
  deeds["stopped_at_byte"] += facts.Count(WorkerRecord::kStopped);
  deeds["died"] += facts.Count(WorkerRecord::kDies);
  deeds["stopped"] += facts.Count(WorkerRecord::kStops);
  deeds["wrote_everywhere"] += facts.Count(WorkerRecord::kGarbage);
  deeds["closed_all"] += facts.Count(WorkerRecord::kClosed);
}

uint64_t ChaosTotals::NumKills() const {
  uint64_t count = 0;
  for (const auto& [name, number] : kills) count += number;
  return count;
}

std::string ChaosTotals::ToString() const {
  return absl::StrCat("rounds=", rounds, " tasks=", tasks, " items=", items,
                      " workers=", workers, " outcomes={", Join(outcomes),
                      "} kills=", NumKills(), "={", Join(kills), "} deeds={",
                      Join(deeds), "} runs=", runs, " retries=", retries,
                      " failed_pools=", failed_pools);
}

}  // namespace multiproc
