// How many threads a process has. POSIX only.

#ifndef MULTIPROC_EXECUTORS_THREAD_COUNT_H_
#define MULTIPROC_EXECUTORS_THREAD_COUNT_H_

#include <optional>

namespace multiproc {

// How many threads this process has that are neither the caller nor this
// library's; nullopt where the system can't tell. A thread that was joined may
// be counted for a moment longer, so a number above 0 was seen for 50 ms.
std::optional<int> CountForeignThreads();

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_THREAD_COUNT_H_
