#include "tests/chaos_injector.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "multiproc/executors/current_process.h"
#include "tests/chaos_random.h"
#include "tests/chaos_worker.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// Of so many workers one dies before it has written 128 bytes, of which its
// Hello has some 16: not so many that the pool gives up all the time. Of so
// many others one has no budget; and of so many that have, one stops.
constexpr uint64_t kEarly = 20;
constexpr int kEarlyBits = 7;
constexpr uint64_t kImmortal = 2;
constexpr uint64_t kStops = 100;
// Lengths of other budgets, in bits, beyond a least.
constexpr int kWorkerBits = 18;
constexpr int kPoolBits = 20;
constexpr int64_t kLeastOfWorker = 128;
constexpr int64_t kLeastOfPool = 8192;

// So few bytes are a message that no reader expects in pieces: a pipe has all
// of them or none (write(2), PIPE_BUF).
constexpr size_t kWhole = 8;

constexpr int64_t kNever = int64_t{1} << 62;
constexpr size_t kMostKilled = size_t{1} << 14;

// No locks: a child may be forked at any moment.
struct State {
  // Whose the rest is: a fork has its parent's.
  std::atomic<int64_t> pid{0};
  std::atomic<bool> is_worker{false};
  // Until the next event.
  std::atomic<int64_t> left{kNever};

  // Of the test.
  std::atomic<uint64_t> seed{0};
  std::atomic<uint64_t> draws{0};
  std::atomic<size_t> num_killed{0};
  std::atomic<int64_t> killed[kMostKilled];
  std::atomic<ChaosInjector::Side> sides[kMostKilled];

  // Of a worker.
  int64_t budget = 0;
  bool stops = false;
};

State& GetState() {
  static State state;
  return state;
}

int64_t DrawWorkerBudget(ChaosRandom& random) {
  if (random.OneIn(kEarly)) {
    return static_cast<int64_t>(random.Magnitude(kEarlyBits));
  }
  if (random.OneIn(kImmortal)) return kNever;
  return kLeastOfWorker + static_cast<int64_t>(random.Magnitude(kWorkerBits));
}

void BecomeWorker(uint64_t seed, int64_t pid) {
  State& state = GetState();
  ChaosRandom random(seed ^ ChaosRandom(static_cast<uint64_t>(pid)).Next());
  state.is_worker = true;
  state.budget = DrawWorkerBudget(random);
  state.stops = random.OneIn(kStops) && chaos_internal::kCanStop;
  state.left = state.budget;
  state.pid = pid;
}

// Whether this process has a budget.
bool HasBudget() {
  State& state = GetState();
  const int64_t pid = CurrentPid();
  if (state.pid == pid) return true;
  const std::optional<ChaosWorker> worker = ThisChaosWorker();
  if (!worker.has_value()) return false;
  BecomeWorker(worker->seed, pid);
  return true;
}

void DrawPoolBudget() {
  State& state = GetState();
  ChaosRandom random(state.seed + ++state.draws);
  state.left = kLeastOfPool + static_cast<int64_t>(random.Magnitude(kPoolBits));
}

void EndWorker() {
  State& state = GetState();
  const ChaosWorker worker = *ThisChaosWorker();
  const auto bytes = static_cast<uint64_t>(state.budget);
  state.left = kNever;
  if (state.stops) {
    RecordOfWorker(worker, WorkerRecord::kStopped, bytes);
    chaos_internal::StopThisProcess();
  }
  RecordOfWorker(worker, WorkerRecord::kKilled, bytes);
  DieBySignal(kSigKill);
}

bool KillAndRemember(int64_t pid, ChaosInjector::Side side) {
  State& state = GetState();
  if (state.num_killed >= kMostKilled || !chaos_internal::KillChild(pid)) {
    return false;
  }
  const size_t place = state.num_killed++;
  if (place >= kMostKilled) return true;
  state.sides[place] = side;
  state.killed[place] = pid;
  return true;
}

}  // namespace

void ChaosInjector::Arm(uint64_t seed) {
  State& state = GetState();
  state.seed = seed;
  state.num_killed = 0;
  DrawPoolBudget();
  state.pid = CurrentPid();
}

void ChaosInjector::Disarm() {
  State& state = GetState();
  state.pid = 0;
  state.left = kNever;
}

bool ChaosInjector::Kill(int64_t pid) {
  return KillAndRemember(pid, Side::kThread);
}

bool ChaosInjector::Terminate(int64_t pid) {
  return chaos_internal::TerminateChild(pid);
}

std::map<int64_t, ChaosInjector::Side> ChaosInjector::Killed() {
  State& state = GetState();
  std::map<int64_t, Side> killed;
  const size_t count = (std::min)(state.num_killed.load(), kMostKilled);
  for (size_t i = 0; i < count; ++i)
    killed.emplace(state.killed[i], state.sides[i]);
  return killed;
}

namespace chaos_internal {

size_t GrantBytes(size_t size) {
  if (size <= kWhole || !HasBudget()) return size;
  const int64_t left = (std::max<int64_t>)(GetState().left, 1);
  return (std::min)(size, static_cast<size_t>(left));
}

void CountBytes(size_t size, FileHandle pipe) {
  if (!HasBudget()) return;
  State& state = GetState();
  const auto passed = static_cast<int64_t>(size);
  const int64_t before = state.left.fetch_sub(passed);
  // Of several threads, the one that crosses it.
  if (before <= 0 || before > passed) return;
  if (state.is_worker) return EndWorker();
  KillAndRemember(ChildAtOtherEnd(pipe), ChaosInjector::Side::kPool);
  DrawPoolBudget();
}

}  // namespace chaos_internal
}  // namespace multiproc
