// What a test must leave as it found it. Linux only; elsewhere all zero.

#ifndef MULTIPROC_TESTS_PROCESS_STATE_H_
#define MULTIPROC_TESTS_PROCESS_STATE_H_

#include <string>

namespace multiproc {

struct ProcessState {
  // As it is now.
  static ProcessState Now();

  int descriptors = 0;
  int threads = 0;
  int children = 0;  // Zombies among them.

  std::string ToString() const;
  friend bool operator==(const ProcessState& a, const ProcessState& b) {
    return a.ToString() == b.ToString();
  }
};

// The state when it equals `expected`, or after some seconds: what ends on its
// own may need a moment.
ProcessState StateOnceSettled(const ProcessState& expected);

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_PROCESS_STATE_H_
