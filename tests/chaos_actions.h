// The actions of tests/chaos_task.h that are the system's, and what the test
// itself needs for them.

#ifndef MULTIPROC_TESTS_CHAOS_ACTIONS_H_
#define MULTIPROC_TESTS_CHAOS_ACTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multiproc/executors/file_handle.h"
#include "tests/chaos_task.h"

namespace multiproc {

// As WhyNot, of those below.
absl::string_view WhyNotHere(ChaosAction action);

// In a worker: a stopped process, descriptors, daemons, jumps. Returns if the
// task goes on.
absl::Status RunSystemAction(ChaosAction action, const std::string& folder);

// What main calls, with a function that is the rest of it: returns what that
// returns, or kJumpCode once a task has jumped here.
int CallWithJumpTarget(int (*rest)(int argc, char** argv), int argc,
                       char** argv);

// What the daemons of a round are kept by: each ends when End is called, or the
// test ends. Not thread-safe.
class DaemonLeash {
 public:
  // `folder` is ChaosWorker::folder.
  explicit DaemonLeash(const std::string& folder);

  // Ends them; whether all were gone within `timeout`.
  bool End(absl::Duration timeout);

 private:
  const std::string folder_;
  // Daemons wait for the end of the one, and have the other open.
  ScopedFileHandle leash_;
  ScopedFileHandle alive_;
};

// Whether this process has no child, not even one that has ended and that
// nobody has waited for; true where the system has no such thing.
bool HasNoChild();

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_CHAOS_ACTIONS_H_
