// How many CPUs this process may run on. Thread-safe.

#ifndef MULTIPROC_POOL_CPU_COUNT_H_
#define MULTIPROC_POOL_CPU_COUNT_H_

namespace multiproc {

// 1 at least. Of those that this process may use: containers, taskset(1) and
// `start /affinity` give it fewer than the machine has. From
// sched_getaffinity(2) and GetProcessAffinityMask.
int CountCpus();

}  // namespace multiproc

#endif  // MULTIPROC_POOL_CPU_COUNT_H_
