#include "multiproc/benchmarks/ballast.h"

#include <cstddef>
#include <utility>

#include "multiproc/benchmarks/process_usage.h"
#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace multiproc {
namespace {

constexpr size_t kPageBytes = 4096;

void RefuseHugePages() {
#ifdef __linux__
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
#endif
}

}  // namespace

void Ballast::GrowTo(int64_t mib) {
  RefuseHugePages();
  const int64_t missing = (mib << 20) - AnonymousBytes().value_or(0);
  if (missing > 0) Add(missing);
}

void Ballast::Add(int64_t bytes) {
  const size_t size = static_cast<size_t>(bytes);
  std::unique_ptr<char[]> block(new char[size]);
  volatile char* const touched = block.get();
  for (size_t i = 0; i < size; i += kPageBytes) touched[i] = 1;
  blocks_.push_back(std::move(block));
}

}  // namespace multiproc
