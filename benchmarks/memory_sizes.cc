#include "multiproc/benchmarks/memory_sizes.h"

#include <algorithm>
#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"

ABSL_FLAG(std::vector<std::string>, rss_mib,
          std::vector<std::string>({"10", "1024"}),
          "How many MiB the parents of spawned processes have touched.");

namespace multiproc {

std::vector<int64_t> MemorySizes() {
  std::vector<int64_t> sizes;
  for (const std::string& text : absl::GetFlag(FLAGS_rss_mib)) {
    int64_t mib = 0;
    if (absl::SimpleAtoi(text, &mib)) sizes.push_back(mib);
  }
  std::sort(sizes.begin(), sizes.end());
  return sizes;
}

}  // namespace multiproc
