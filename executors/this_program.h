// The program that this process runs, for running it again. Thread-safe once
// Initialize() has returned.

#ifndef MULTIPROC_EXECUTORS_THIS_PROGRAM_H_
#define MULTIPROC_EXECUTORS_THIS_PROGRAM_H_

#include <string>

namespace multiproc {

class ThisProgram {
 public:
  // A path that executes this very file, also after it was replaced or removed
  // where the system allows that (Linux: /proc/self/exe).
  static std::string Path();

  // Whether it runs with more privileges than who started it has: set-user-ID,
  // set-group-ID or with capabilities of its file (AT_SECURE of getauxval(3),
  // issetugid(2)). False on Windows, which has no such programs.
  static bool HasPrivilegesOfItsOwn();

  // argv[0] as it was given to main.
  static const std::string& Name();

  // Called by Initialize.
  static void SetName(std::string name);
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_THIS_PROGRAM_H_
