#include "tasks.h"

#include "multiproc/functions/function.h"
#include "multiproc/pool/current_task.h"

int64_t Fibonacci(int64_t n) {
  const multiproc::CurrentTask task;
  if (n < 2 || task.cancelled()) return n;
  return Fibonacci(n - 1) + Fibonacci(n - 2);
}
MULTIPROC_FUNCTION(Fibonacci);

bool in_worker_program = false;

bool InWorkerProgram() { return in_worker_program; }
MULTIPROC_FUNCTION(InWorkerProgram);
