#include "square.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "logging_executor.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/run.h"
#include "multiproc/pool/process_pool.h"

TEST(SquareTest, RunsInAPool) {
  multiproc::ProcessPoolOptions options;
  options.num_workers = 2;
  auto pool = multiproc::ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ(*(*pool)->Submit(Square, 1.5).Get(), 2.25);
}

TEST(SquareTest, RunsInAProcess) {
  absl::StatusOr<multiproc::Process> process = multiproc::Spawn(Square, 1.5);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_TRUE(process->Wait()->success());
}

// The flag in .bazelrc made it so; no program says it.
TEST(LoggingExecutorTest, IsTheDefault) {
  EXPECT_EQ((*multiproc::DefaultExecutor())->name(), "logging");
  ASSERT_TRUE(multiproc::Spawn(Square, 1.5)->Wait().ok());
  const std::vector<std::string> started = StartedChildren();
  ASSERT_FALSE(started.empty());
  EXPECT_EQ(started.back(), "function 'Square'");
}
