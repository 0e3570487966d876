// An absl::Status on its way between processes, and the two marks that it may
// carry: that the task itself returned it, and which one that was; or how the
// pool came to fail the task. Thread-safe: pure functions.
//
//   absl::StatusOr<double> cost = future.Get();
//   if (auto source = GetTaskErrorSource(cost.status())) {
//     LOG(ERROR) << source->label() << " failed: " << cost.status();
//   }
//   if (auto failure = GetTaskFailure(cost.status())) {
//     LOG(ERROR) << "lost with worker " << failure->worker_pid();
//   }

#ifndef MULTIPROC_FUNCTIONS_TASK_STATUS_H_
#define MULTIPROC_FUNCTIONS_TASK_STATUS_H_

#include <optional>

#include "absl/status/status.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// `status` with all its payloads, as a message.
StatusProto StatusToProto(const absl::Status& status);

// The reverse. A message that holds no error, or a code that absl does not
// know, gives UNKNOWN: it stands where an error is due.
absl::Status StatusFromProto(const StatusProto& proto);

// Marks `status`, which is not OK, as the task's own error.
void MarkTaskError(absl::Status* status);

// Whether the task returned `status` (or threw it): its code is then the
// task's, and not one of the pool's.
bool IsTaskError(const absl::Status& status);

// Attaches, and finds, whose error `status` is, if it is a task's own: its id,
// function, label and attempt, and the worker. nullopt for the pool's errors,
// and where several items of Map were one task (GetItemIndex tells of those).
void SetTaskErrorSource(const TaskFailure& source, absl::Status* status);
std::optional<TaskFailure> GetTaskErrorSource(const absl::Status& status);

// Attaches, and finds, how the pool came to fail the task; nullopt for a task's
// own error.
void SetTaskFailure(const TaskFailure& failure, absl::Status* status);
std::optional<TaskFailure> GetTaskFailure(const absl::Status& status);

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_TASK_STATUS_H_
