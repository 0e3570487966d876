// The first call in main of every program that starts functions in other
// processes.
//
//   int main(int argc, char** argv) {
//     multiproc::Initialize(&argc, &argv);  // a child does its work, and exits
//     ...
//   }

#ifndef MULTIPROC_EXECUTORS_INITIALIZE_H_
#define MULTIPROC_EXECUTORS_INITIALIZE_H_

#include <vector>

#include "absl/status/status.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

// In the program that the user started: returns, and from then on functions can
// be spawned. In a copy of it that a backend started to call a function: calls
// it, and exits with its outcome (Command::Function), without returning.
//
// To be called once, before threads are started and before anything that a
// child should not do again. `argc` and `argv`, which may be null, are those of
// main; neither is changed today.
//
// A copy is told what to call by kChildVariable in its environment, so that who
// may set that may run anything as this program. Where the program has more
// privileges than who starts it (set-user-ID, set-group-ID, capabilities of its
// file: AT_SECURE of getauxval(3)), the variable makes it exit with code 1 and
// a message; such a program can start functions, and programs with limits, by
// the fork backend only (FAILED_PRECONDITION of Spawn).
void Initialize(int* argc, char*** argv);

// OK, or FAILED_PRECONDITION that says to call Initialize: what every backend
// returns for a function in a program without it. Its children would run main
// again, and again.
absl::Status CheckInitialized();

// In a child that runs a function: the handles of Command::inherited_handles,
// in their order, as this process knows them. They are close-on-exec here, and
// owned by nobody: wrap them in ScopedFileHandles to close them. Empty
// elsewhere.
const std::vector<FileHandle>& InheritedHandles();

// The environment variable that tells a re-run copy of a program which call to
// make. Never set in a function's own environment.
inline constexpr char kChildVariable[] = "MULTIPROC_CHILD";

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_INITIALIZE_H_
