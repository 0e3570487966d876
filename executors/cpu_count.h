// How many CPUs this process may use: the number of workers that suits it.
//
//   options.num_workers = CountCpus();
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_CPU_COUNT_H_
#define MULTIPROC_EXECUTORS_CPU_COUNT_H_

namespace multiproc {

// 1 at least. The smaller of
//   the CPUs that this process may run on: taskset(1), cpusets and `start
//     /affinity` give it fewer than the machine has (sched_getaffinity(2),
//     GetProcessAffinityMask);
//   on Linux, the CPU time that its control group has, in CPUs and rounded up:
//     what `docker run --cpus=1.5` and a pod's CPU limit set (cgroups(7), read
//     at each call, some 100 us).
// As len(os.sched_getaffinity(0)) in Python, which does not know of the latter.
int CountCpus();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CPU_COUNT_H_
