// What a test must leave as it found it. Linux and Windows; elsewhere all zero.

#ifndef MULTIPROC_TESTS_PROCESS_STATE_H_
#define MULTIPROC_TESTS_PROCESS_STATE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace multiproc {

struct ProcessState {
  // As it is now.
  static ProcessState Now();

  int descriptors = 0;  // Windows: of files, pipes, processes and the like.
  int threads = 0;
  int children = 0;       // On POSIX zombies among them.
  int other_handles = 0;  // Windows only: of events and the like.

  // How many more are no fault. On Windows the system's pool of threads grows
  // and shrinks by itself, and the C++ runtime keeps an event for each lock at
  // which two threads have met; elsewhere zero.
  static const int kMoreThreads;
  static const int kMoreOtherHandles;

  std::string ToString() const;
};

// POSIX only: the pids of this process's children, zombies among them. None
// where the kernel does not tell.
std::vector<int64_t> ChildPids();

// What there is beyond `before`, which was the state earlier; empty for
// nothing. What ends on its own, such as a thread that nobody joins, has some
// seconds for it. Less than before is no fault: something of an earlier test
// has ended.
std::string LeftBehindSince(const ProcessState& before);

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_PROCESS_STATE_H_
