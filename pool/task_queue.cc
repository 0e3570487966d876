#include "multiproc/pool/task_queue.h"

#include <utility>

namespace multiproc {
namespace {

// Those that were dropped are removed if they are more than this, and more
// than the rest.
constexpr size_t kToleratedDropped = 64;

}  // namespace

void TaskQueue::PushFront(std::vector<TaskPtr> tasks) {
  num_tasks_ += tasks.size();
  for (auto task = tasks.rbegin(); task != tasks.rend(); ++task) {
    Lane& lane = LaneOf(**task);
    lane.push_front(std::move(*task));
  }
}

TaskQueue::Lane& TaskQueue::NextLane() {
  while (!others_.empty()) {
    const auto first = others_.begin();
    if (!first->second.empty()) {
      if (first->first > 0 || normal_.empty()) return first->second;
      break;
    }
    others_.erase(first);
  }
  return normal_;
}

TaskPtr TaskQueue::PopFront() {
  while (true) {
    Lane& lane = NextLane();
    TaskPtr task = std::move(lane.front());
    lane.pop_front();
    --num_tasks_;
    if (num_dropped_ > 0 && task->done()) {
      --num_dropped_;
      continue;
    }
    // A task keeps its pool: none may stay that nobody would take out.
    if (num_dropped_ > 0 && empty()) *this = TaskQueue();
    return task;
  }
}

std::vector<TaskPtr> TaskQueue::TakeAll() {
  std::vector<TaskPtr> tasks;
  tasks.reserve(size());
  while (!empty()) tasks.push_back(PopFront());
  *this = TaskQueue();
  return tasks;
}

void TaskQueue::Drop() {
  ++num_dropped_;
  if (num_dropped_ <= kToleratedDropped + size() && !empty()) return;
  for (TaskPtr& task : TakeAll()) PushBack(std::move(task));
}

}  // namespace multiproc
