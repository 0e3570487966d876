// Closing every descriptor from one on, in a child, whatever opened it. POSIX
// only.

#ifndef MULTIPROC_EXECUTORS_CLOSE_FROM_H_
#define MULTIPROC_EXECUTORS_CLOSE_FROM_H_

#include <vector>

namespace multiproc {

// The descriptors of this process from `first` on, for systems where a child
// can't be told to close them all. Not async-signal-safe: to be called before
// the fork.
std::vector<int> OpenDescriptorsFrom(int first);

// Closes every descriptor from `first` on: by close_range(2), Linux 5.9, or
// those of `listed` where the kernel has none. The cost does not depend on
// RLIMIT_NOFILE. Async-signal-safe.
void CloseFrom(int first, const std::vector<int>& listed);

// Closes the descriptors from `first` to `end` - 1, which are open.
// Async-signal-safe.
void CloseRange(int first, int end);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CLOSE_FROM_H_
