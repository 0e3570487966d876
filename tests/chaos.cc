// The proof that a pool never hangs, never loses a task, and runs none twice,
// while its workers die at any byte, and its tasks do their worst:
// docs/testing.md.
//
//   bazel test //tests:chaos --test_arg=--chaos_seed=17

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

#include "absl/base/config.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/chaos_accounting.h"
#include "tests/chaos_actions.h"
#include "tests/chaos_random.h"
#include "tests/chaos_round.h"
#include "tests/chaos_task.h"
#include "tests/chaos_worker.h"
#include "tests/process_state.h"

// Processes are slow there.
#if defined(_WIN32)
inline constexpr int64_t kDefaultKills = 15;
#elif defined(ABSL_HAVE_THREAD_SANITIZER) || \
    defined(ABSL_HAVE_ADDRESS_SANITIZER)
inline constexpr int64_t kDefaultKills = 50;
#else
inline constexpr int64_t kDefaultKills = 150;
#endif

ABSL_FLAG(uint64_t, chaos_seed, 0, "of the first round; 0 for any");
ABSL_FLAG(int64_t, chaos_kills, kDefaultKills,
          "each backend goes on until so many workers were killed ...");
ABSL_FLAG(int64_t, chaos_time, 0, "... and so many seconds have passed");

// In a fork of this program, whose memory belongs to threads that it lacks, all
// would be lost.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() {
  return multiproc::ThisChaosWorker().has_value() ? 1 : 0;
}

// A worker that exits within a task has a thread that watches its parent.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
  return "report_thread_leaks=0";
}

namespace multiproc {
namespace {

// So many kills are some of each kind.
constexpr uint64_t kManyKills = 100;

class ChaosTest : public BackendTest {};

void DoNothing() {}
MULTIPROC_FUNCTION(DoNothing);

// What is made once, by whoever needs it first, is nothing left behind.
void WarmUp(Executor& executor) {
  ProcessPoolOptions options;
  options.executor = &executor;
  options.num_workers = 1;
  const auto pool = ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ((*pool)->Submit(DoNothing).Get(), absl::OkStatus());
}

void PrintLeftOut(const std::string& backend, bool rerun) {
  for (int i = 0; i < kNumChaosActions; ++i) {
    const auto action = static_cast<ChaosAction>(i);
    const std::string why(WhyNot(action, rerun));
    if (why.empty()) continue;
    std::printf("chaos: %s: without '%s': %s\n", backend.c_str(),
                std::string(NameOf(action)).c_str(), why.c_str());
  }
}

void PrintTotals(const std::string& backend, uint64_t seed,
                 const ChaosTotals& totals, const ProcessState& before) {
  const ProcessState after = ProcessState::Now();
  std::printf(
      "chaos: backend=%s seed=%s %s descriptors=%+d threads=%+d children=%+d\n",
      backend.c_str(), absl::StrCat(seed).c_str(), totals.ToString().c_str(),
      after.descriptors - before.descriptors, after.threads - before.threads,
      after.children - before.children);
  std::fflush(stdout);
}

TEST_P(ChaosTest, EveryTaskHasItsOutcome) {
  uint64_t seed = absl::GetFlag(FLAGS_chaos_seed);
  if (seed == 0) seed = std::random_device()();
  std::printf("chaos: %s: --chaos_seed=%s\n", GetParam().c_str(),
              absl::StrCat(seed).c_str());
  PrintLeftOut(GetParam(), !is_fork());
  const auto kills = static_cast<uint64_t>(absl::GetFlag(FLAGS_chaos_kills));
  const absl::Time end =
      absl::Now() + absl::Seconds(absl::GetFlag(FLAGS_chaos_time));
  WarmUp(executor());
  ProcessState before = ProcessState::Now();
  // As each round has it.
  before.other_handles += ProcessState::kMoreOtherHandles;
  ChaosTotals totals;
  ChaosRandom random(seed);
  // The first round has the seed itself, and so can be had alone.
  for (uint64_t round = seed;
       !HasFailure() && (totals.NumKills() < kills || absl::Now() < end);
       round = random.Next()) {
    SCOPED_TRACE(absl::StrCat("--chaos_seed=", round));
    ChaosRound(&executor(), !is_fork(), round).Run(&totals);
  }
  EXPECT_EQ(LeftBehindSince(before), "");
  PrintTotals(GetParam(), seed, totals, before);
  if (HasFailure() || totals.NumKills() < kManyKills) return;
  EXPECT_GT(totals.kills["worker_byte"], 0u);
#ifdef __linux__
  EXPECT_GT(totals.kills["pool_byte"], 0u);
#endif
  EXPECT_GT(totals.kills["any_time"], 0u);
}

MULTIPROC_FOR_EVERY_BACKEND(ChaosTest);

int RunTests(int argc, char** argv) {
  Initialize(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  return multiproc::CallWithJumpTarget(multiproc::RunTests, argc, argv);
}
