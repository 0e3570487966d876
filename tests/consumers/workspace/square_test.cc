#include "square.h"

#include <gtest/gtest.h>

#include "multiproc/pool/process_pool.h"

TEST(SquareTest, RunsInAPool) {
  multiproc::ProcessPoolOptions options;
  options.num_workers = 2;
  auto pool = multiproc::ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ(*(*pool)->Submit(Square, 1.5).Get(), 2.25);
}
