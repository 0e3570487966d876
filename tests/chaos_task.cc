#include "tests/chaos_task.h"

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/current_task.h"
#include "tests/chaos_actions.h"
#include "tests/chaos_random.h"
#include "tests/chaos_worker.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// What reserves addresses by the terabyte has no limit of them.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr bool kHasMemoryLimit = false;
#else
constexpr bool kHasMemoryLimit = true;
#endif

constexpr size_t kProgressReports = 4;
constexpr size_t kAllocation = size_t{64} << 20;

void ReportProgress(uint64_t index) {
  const CurrentTask task;
  for (size_t i = 0; i < kProgressReports; ++i) {
    task.ReportProgress(absl::StrCat(index, " ", i));
  }
}

absl::Status WaitForCancel() {
  const CurrentTask task;
  while (!task.cancelled()) absl::SleepFor(absl::Milliseconds(1));
  return absl::CancelledError("stopped");
}

[[noreturn]] void ExhaustMemory() {
  std::vector<std::unique_ptr<char[]>> all;
  while (true) all.emplace_back(new char[kAllocation]);
}

// Returns if the task goes on.
absl::Status Act(uint64_t index, ChaosAction action,
                 const ChaosWorker& worker) {
  switch (action) {
    case ChaosAction::kEcho:
      return absl::OkStatus();
    case ChaosAction::kReport:
      ReportProgress(index);
      return absl::OkStatus();
    case ChaosAction::kFail:
      return absl::NotFoundError(absl::StrCat("no ", index));
    case ChaosAction::kThrow:
      throw std::runtime_error(absl::StrCat("no ", index));
    case ChaosAction::kExhaustMemory:
      ExhaustMemory();
    case ChaosAction::kDie:
      RecordOfWorker(worker, WorkerRecord::kDies, index);
      DieBySignal(kSigKill);
    case ChaosAction::kExit:
      std::exit(static_cast<int>(kExitCode));
    case ChaosAction::kWaitForCancel:
      return WaitForCancel();
    case ChaosAction::kStop:
      RecordOfWorker(worker, WorkerRecord::kStops, index);
      break;
    case ChaosAction::kWriteEverywhere:
      RecordOfWorker(worker, WorkerRecord::kGarbage, index);
      break;
    case ChaosAction::kCloseDescriptors:
      RecordOfWorker(worker, WorkerRecord::kClosed, index);
      break;
    case ChaosAction::kDaemon:
    case ChaosAction::kJumpFromHandler:
    case ChaosAction::kJumpToMain:
      break;
  }
  return RunSystemAction(action, worker.folder);
}

}  // namespace

absl::string_view NameOf(ChaosAction action) {
  static constexpr absl::string_view kNames[kNumChaosActions] = {
      "echo",   "report", "daemon", "jump_from_handler",
      "write",  "close",  "fail",   "throw",
      "memory", "die",    "exit",   "jump_to_main",
      "wait",   "stop"};
  return kNames[static_cast<int>(action)];
}

absl::string_view WhyNot(ChaosAction action, bool rerun) {
  if (action == ChaosAction::kExhaustMemory && !kHasMemoryLimit) {
    return "a sanitizer needs more addresses than there are below any limit";
  }
  if (action == ChaosAction::kJumpToMain && !rerun) {
    return "a forked worker's main is the test's";
  }
  return WhyNotHere(action);
}

absl::StatusOr<std::string> RunChaosTask(uint64_t index, ChaosAction action,
                                         const std::string& payload,
                                         uint64_t result_size,
                                         absl::Duration delay) {
  const ChaosWorker worker = *ThisChaosWorker();
  RecordOfWorker(worker, WorkerRecord::kRun, index);
  absl::SleepFor(delay);
  absl::Status status = Act(index, action, worker);
  if (!status.ok()) return status;
  return ChaosTaskResult(index, payload, result_size);
}
MULTIPROC_FUNCTION(RunChaosTask);

std::string ChaosTaskResult(uint64_t index, const std::string& payload,
                            uint64_t result_size) {
  return ChaosBytes(index, payload, static_cast<size_t>(result_size));
}

absl::StatusCode OwnErrorOf(ChaosAction action) {
  switch (action) {
    case ChaosAction::kFail:
      return absl::StatusCode::kNotFound;
    case ChaosAction::kThrow:
    case ChaosAction::kExhaustMemory:
      return absl::StatusCode::kUnknown;
    default:
      return absl::StatusCode::kOk;
  }
}

uint64_t RunChaosItem(uint64_t index) {
  const ChaosWorker worker = *ThisChaosWorker();
  RecordOfWorker(worker, WorkerRecord::kRun, index);
  if (index % kDeadlyItem == 0) {
    RecordOfWorker(worker, WorkerRecord::kDies, index);
    DieBySignal(kSigKill);
  }
  return index * index;
}
MULTIPROC_FUNCTION(RunChaosItem);

}  // namespace multiproc
