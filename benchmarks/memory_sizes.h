// How much memory the parents of spawned processes have touched: --rss_mib.

#ifndef MULTIPROC_BENCHMARKS_MEMORY_SIZES_H_
#define MULTIPROC_BENCHMARKS_MEMORY_SIZES_H_

#include <cstdint>
#include <vector>

namespace multiproc {

// In MiB, growing. To be called after absl::ParseCommandLine.
std::vector<int64_t> MemorySizes();

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_MEMORY_SIZES_H_
