// How many workers a pool is to have, by what there is to do.
//
//   const PoolSize size = PoolSize::Of(options, num_workers);
//   const size_t wanted = size.Wanted(tasks_to_be_run_at_once);
//
// A value.

#ifndef MULTIPROC_POOL_POOL_SIZE_H_
#define MULTIPROC_POOL_POOL_SIZE_H_

#include <algorithm>
#include <cstddef>

#include "multiproc/pool/pool_options.h"

namespace multiproc {

struct PoolSize {
  size_t least = 1;
  size_t most = 1;

  // Of a pool that was resized to `num_workers`, whatever `options` say.
  static PoolSize Of(const ProcessPoolOptions& options, int num_workers) {
    PoolSize size;
    size.most = static_cast<size_t>(num_workers);
    size.least =
        options.min_workers < 0
            ? size.most
            : (std::min)(static_cast<size_t>(options.min_workers), size.most);
    return size;
  }

  // Whether it grows and shrinks.
  bool elastic() const { return least < most; }

  size_t Wanted(size_t tasks) const {
    return (std::max)(least, (std::min)(tasks, most));
  }
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_POOL_SIZE_H_
