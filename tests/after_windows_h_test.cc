// The public headers can follow windows.h as people include it, with all its
// macros (min, max, GetMessage, SendMessage ...).

#include <windows.h>

// After windows.h: that is what is tested.
#include <gtest/gtest.h>

#include <memory>

#include "multiproc/executors/current_process.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/windows_executor.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/proto/task.pb.h"

namespace {

// A message, whose Codec calls methods of many names.
multiproc::WorkerHello Twice(const multiproc::WorkerHello& hello) {
  multiproc::WorkerHello twice;
  twice.set_pid(2 * hello.pid());
  return twice;
}
MULTIPROC_FUNCTION(Twice);

TEST(AfterWindowsHTest, APoolWorks) {
  multiproc::ProcessPoolOptions options;
  options.num_workers = 1;
  const auto pool = multiproc::ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  multiproc::WorkerHello hello;
  hello.set_pid(21);
  EXPECT_EQ((*pool)->Submit(Twice, hello).Get()->pid(), 42);
}

}  // namespace
