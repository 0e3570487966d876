// What a test must leave as it found it. Linux and Windows; elsewhere all zero.

#ifndef MULTIPROC_TESTS_PROCESS_STATE_H_
#define MULTIPROC_TESTS_PROCESS_STATE_H_

#include <string>

namespace multiproc {

struct ProcessState {
  // As it is now.
  static ProcessState Now();

  int descriptors = 0;  // Windows: of files, pipes, processes and the like.
  int threads = 0;
  int children = 0;  // On POSIX zombies among them.
  // Windows only: all other handles, such as events. The C++ runtime keeps one
  // for each lock at which two threads have met, so some more are no fault.
  int other_handles = 0;

  std::string ToString() const;
};

// What there is beyond `before`, which was the state earlier; empty for
// nothing. What ends on its own, such as a thread that nobody joins, has some
// seconds for it. Less than before is no fault: something of an earlier test
// has ended.
std::string LeftBehindSince(const ProcessState& before);

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_PROCESS_STATE_H_
