// Where this process stands among pools within workers of other pools: how
// deep, and how many CPUs are its share. A worker's pool that took all CPUs, as
// its siblings' pools do, would make CPUs squared workers.
//
//   Program, depth 0          8 CPUs
//     pool of 4 workers, each at depth 1, with 2 CPUs
//       a worker's pool: 2 workers by default, each at depth 2, with 1 CPU
//
// Thread-safe, but for EnterWorker.

#ifndef MULTIPROC_POOL_NESTING_H_
#define MULTIPROC_POOL_NESTING_H_

namespace multiproc {

// In how many pools this process is: 0 in a program, 1 in a worker of its pool.
int PoolDepth();

// How many CPUs are for the workers of a pool of this process: CountCpus() in a
// program, and in a worker no more than its share of its parent's; 1 at least.
// To count them takes some 30 system calls.
int CpuShare();

// The same where CountCpus() has returned `num_cpus`.
int CpuShareOf(int num_cpus);

// What each of `num_workers` workers of a pool has of `cpu_share` CPUs.
int CpuShareOfWorker(int cpu_share, int num_workers);

// Of a worker, when it begins: what its parent says.
void EnterWorker(int depth, int cpu_share);

}  // namespace multiproc

#endif  // MULTIPROC_POOL_NESTING_H_
