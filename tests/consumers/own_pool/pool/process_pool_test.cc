#include "pool/process_pool.h"

#include <cstdio>

#include "multiproc/executors/initialize.h"
#include "multiproc/executors/run.h"
#include "multiproc/functions/status_codec.h"
#include "multiproc/pool/combinators.h"
#include "multiproc/pool/current_task.h"
#include "multiproc/proto/task.pb.h"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "built with exceptions, or with RTTI"
#endif
static_assert(__cplusplus > 201703L);

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  absl::StatusOr<pool::ProcessPool> pool = pool::ProcessPool::Create(2);
  if (!pool.ok()) return 1;
  pool::TaskRequest request;
  request.set_task_id(21);
  const absl::StatusOr<pool::TaskRequest> doubled = pool->Double(request).Get();
  const absl::StatusOr<std::int64_t> sum = pool->SumOfSquares(100);
  // Not the same message.
  multiproc::TaskRequest other;
  other.set_task_id(42);
  std::printf("%s, %s\n", doubled.status().ToString().c_str(),
              sum.status().ToString().c_str());
  return doubled.ok() && doubled->task_id() == other.task_id() && sum.ok() &&
                 *sum == 338350
             ? 0
             : 1;
}
