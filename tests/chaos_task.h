// What the tasks of the chaos test do, and what comes of it.
//
//   pool->Submit(RunChaosTask, index, ChaosAction::kEcho, payload, 100,
//                absl::Milliseconds(2));
//
// Thread-safe.

#ifndef MULTIPROC_TESTS_CHAOS_TASK_H_
#define MULTIPROC_TESTS_CHAOS_TASK_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace multiproc {

// In another process, too: numbers never change their meaning.
enum class ChaosAction : int32_t {
  // Those that return what ChaosTaskResult says.
  kEcho,
  kReport,            // Reports its progress before.
  kDaemon,            // Leaves a process that has all that the worker has open.
  kJumpFromHandler,   // Leaves the handler of a signal by siglongjmp.
  kWriteEverywhere,   // Writes to each descriptor from 0 to 63.
  kCloseDescriptors,  // Closes them.
  // Errors of their own.
  kFail,
  kThrow,
  kExhaustMemory,  // Allocates for ever, under Limits::memory_bytes.
  // Ends of the worker.
  kDie,         // SIGKILL.
  kExit,        // exit(3), kExitCode.
  kJumpToMain,  // longjmp to main, which returns kJumpCode.
  // Never end, unless cancelled; never end.
  kWaitForCancel,
  kStop,  // SIGSTOP.
};
inline constexpr int kNumChaosActions = 14;

inline constexpr uint32_t kExitCode = 3;
inline constexpr uint32_t kJumpCode = 7;

absl::string_view NameOf(ChaosAction action);

// Empty, or why there is no such action on this system, in this build, or in
// workers that `rerun` this program, or do not.
absl::string_view WhyNot(ChaosAction action, bool rerun);

// The task, number `index` of all; `result_size` is in bytes, and it sleeps for
// `delay` first.
absl::StatusOr<std::string> RunChaosTask(uint64_t index, ChaosAction action,
                                         const std::string& payload,
                                         uint64_t result_size,
                                         absl::Duration delay);
std::string ChaosTaskResult(uint64_t index, const std::string& payload,
                            uint64_t result_size);

// The own error of kFail, kThrow and kExhaustMemory.
absl::StatusCode OwnErrorOf(ChaosAction action);

// An item of Map and the like: its result is `index` squared. One whose number
// divides by kDeadlyItem dies.
inline constexpr uint64_t kDeadlyItem = 61;
uint64_t RunChaosItem(uint64_t index);

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_CHAOS_TASK_H_
