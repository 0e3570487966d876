// The tasks of a pool that wait for a worker: those of a higher priority first,
// and of one priority in the order in which they were submitted.
//
//   TaskQueue queue;
//   queue.PushBack(std::move(task));
//   while (!queue.empty()) Lease(queue.PopFront());
//
// A task that has its outcome while it waits, because it was cancelled, counts
// no more from then on: Drop. It stays where it is until its turn comes, or
// until many others have gone the same way; so a million tasks are cancelled in
// a million steps.
//
// Not thread-safe: it belongs to whoever has the pool's loop.

#ifndef MULTIPROC_POOL_TASK_QUEUE_H_
#define MULTIPROC_POOL_TASK_QUEUE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "multiproc/pool/task.h"

namespace multiproc {

class TaskQueue {
 public:
  bool empty() const { return size() == 0; }
  size_t size() const { return num_tasks_ - num_dropped_; }

  void PushBack(TaskPtr task) {
    ++num_tasks_;
    LaneOf(*task).push_back(std::move(task));
  }

  // Puts `tasks` before all others of their priorities, in their order.
  void PushFront(std::vector<TaskPtr> tasks);

  // Takes the next task out of the queue, which is not empty.
  TaskPtr PopFront();

  // All of them, in the order of PopFront; none is left.
  std::vector<TaskPtr> TakeAll();

  // Takes note that a task of the queue, any, is done() now.
  void Drop();

 private:
  using Lane = std::deque<TaskPtr>;

  Lane& LaneOf(const Task& task) {
    return task.priority == 0 ? normal_ : others_[task.priority];
  }
  // The lane that is next, without those before it that are empty.
  Lane& NextLane();

  // Of priority 0, which nearly all have; and the others.
  Lane normal_;
  std::map<int, Lane, std::greater<>> others_;
  size_t num_tasks_ = 0;
  size_t num_dropped_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_TASK_QUEUE_H_
