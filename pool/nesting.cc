#include "multiproc/pool/nesting.h"

#include <algorithm>
#include <atomic>

#include "multiproc/executors/cpu_count.h"

namespace multiproc {
namespace {

std::atomic<int> pool_depth{0};
// 0 for all CPUs.
std::atomic<int> cpu_share{0};

}  // namespace

int PoolDepth() { return pool_depth; }

int CpuShare() { return CpuShareOf(CountCpus()); }

int CpuShareOf(int num_cpus) {
  const int share = cpu_share;
  return share == 0 ? num_cpus : std::min(share, num_cpus);
}

int CpuShareOfWorker(int cpu_share, int num_workers) {
  return std::max(cpu_share / std::max(num_workers, 1), 1);
}

void EnterWorker(int depth, int share) {
  pool_depth = depth;
  cpu_share = share;
}

}  // namespace multiproc
