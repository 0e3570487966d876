#include "multiproc/pool/task_queue.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/pool/task.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;

TaskPtr NewTask(uint64_t id, int priority = 0) {
  auto task = std::make_shared<Task>(nullptr);
  task->id = id;
  task->priority = static_cast<int8_t>(priority);
  return task;
}

std::vector<uint64_t> IdsOf(const std::vector<TaskPtr>& tasks) {
  std::vector<uint64_t> ids;
  for (const TaskPtr& task : tasks) ids.push_back(task->id);
  return ids;
}

void Cancel(const TaskPtr& task, TaskQueue& queue) {
  task->Set(absl::CancelledError(), "");
  queue.Drop();
}

TEST(TaskQueueTest, GivesTasksInTheirOrder) {
  TaskQueue queue;
  EXPECT_TRUE(queue.empty());
  for (const uint64_t id : {1, 2, 3}) queue.PushBack(NewTask(id));
  EXPECT_EQ(queue.size(), 3);
  EXPECT_EQ(queue.PopFront()->id, 1);
  queue.PushFront({NewTask(4), NewTask(5)});
  EXPECT_THAT(IdsOf(queue.TakeAll()), ElementsAre(4, 5, 2, 3));
  EXPECT_TRUE(queue.empty());
}

TEST(TaskQueueTest, HigherPrioritiesComeFirst) {
  TaskQueue queue;
  queue.PushBack(NewTask(1, -1));
  queue.PushBack(NewTask(2));
  queue.PushBack(NewTask(3, 5));
  queue.PushBack(NewTask(4, 7));
  queue.PushBack(NewTask(5, 5));
  EXPECT_EQ(queue.PopFront()->id, 4);
  queue.PushFront({NewTask(6), NewTask(7, 5), NewTask(8, -1)});
  EXPECT_EQ(queue.size(), 7);
  EXPECT_THAT(IdsOf(queue.TakeAll()), ElementsAre(7, 3, 5, 6, 2, 8, 1));
}

TEST(TaskQueueTest, ALanePassedWhileEmptyIsUsedAgain) {
  TaskQueue queue;
  queue.PushBack(NewTask(1, 5));
  queue.PushBack(NewTask(2, -5));
  EXPECT_EQ(queue.PopFront()->id, 1);
  EXPECT_EQ(queue.PopFront()->id, 2);
  queue.PushBack(NewTask(3));
  queue.PushBack(NewTask(4, 5));
  EXPECT_THAT(IdsOf(queue.TakeAll()), ElementsAre(4, 3));
}

TEST(TaskQueueTest, DroppedTasksAreNotGiven) {
  TaskQueue queue;
  const std::vector<TaskPtr> tasks = {NewTask(1), NewTask(2, 3), NewTask(3)};
  for (const TaskPtr& task : tasks) queue.PushBack(task);
  Cancel(tasks[0], queue);
  EXPECT_EQ(queue.size(), 2);
  Cancel(tasks[1], queue);
  EXPECT_EQ(queue.PopFront()->id, 3);
  EXPECT_TRUE(queue.empty());
}

TEST(TaskQueueTest, NoneIsKeptBehindTheLastThatIsGiven) {
  TaskQueue queue;
  const TaskPtr first = NewTask(1), dropped = NewTask(2);
  queue.PushBack(first);
  queue.PushBack(dropped);
  Cancel(dropped, queue);
  EXPECT_EQ(queue.PopFront()->id, 1);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(dropped.use_count(), 1);
}

TEST(TaskQueueTest, DroppedTasksAreReleasedOnceTheyAreMany) {
  TaskQueue queue;
  std::vector<TaskPtr> tasks;
  for (uint64_t id = 1; id <= 1000; ++id) {
    tasks.push_back(NewTask(id));
    queue.PushBack(tasks.back());
  }
  for (size_t i = 0; i < 900; ++i) Cancel(tasks[i], queue);
  EXPECT_EQ(queue.size(), 100);
  size_t kept = 0;
  for (const TaskPtr& task : tasks) kept += task.use_count() > 1 ? 1 : 0;
  EXPECT_LE(kept, 300);
  EXPECT_EQ(queue.PopFront()->id, 901);
  for (size_t i = 901; i < 1000; ++i) Cancel(tasks[i], queue);
  EXPECT_TRUE(queue.empty());
  for (const TaskPtr& task : tasks) EXPECT_EQ(task.use_count(), 1);
}

}  // namespace
}  // namespace multiproc
