// Memory that this process has touched, and that a fork has to map.
//
//   Ballast ballast;
//   ballast.GrowTo(1024);  // this process has 1 GiB now
//
// Thread-compatible.

#ifndef MULTIPROC_BENCHMARKS_BALLAST_H_
#define MULTIPROC_BENCHMARKS_BALLAST_H_

#include <cstdint>
#include <memory>
#include <vector>

namespace multiproc {

class Ballast {
 public:
  // Touches as much more memory as it takes for the process to have `mib` MiB
  // that are no file's (all of `mib` where that can't be told). In pages of the
  // usual size: huge ones make a fork cheaper, and few programs have them.
  void GrowTo(int64_t mib);

 private:
  void Add(int64_t bytes);

  std::vector<std::unique_ptr<char[]>> blocks_;
};

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_BALLAST_H_
