// Kills workers at a random byte of what passes between them and their pool.
// Nothing in the library knows of it: this program has functions of its own in
// place of those of the system that read and write, for all its code.
//
//   worker      With the variable of tests/chaos_worker.h. It draws a number of
//               bytes from the seed and its process id, or none. The read or
//               write of a pipe that crosses it does the part up to that byte;
//               then the process records that, and kills itself, or, rarely,
//               stops (SIGSTOP).
//   the test    Between Arm and Disarm. The same, again and again: the part is
//               read or written, the worker at the pipe's other end is killed,
//               and the call returns.
//   its threads Kill any worker at any time, by Kill: so they die within tasks,
//               and between an answer in the journal and one in the pipe.
//
// The first two are on Linux; on Windows the first, with no stop; on other
// systems neither, as their linkers bind a library's calls to its own system's.
//
// Thread-safe. The part of the worker is for a process whose pipes one thread
// uses, as workers are.

#ifndef MULTIPROC_TESTS_CHAOS_INJECTOR_H_
#define MULTIPROC_TESTS_CHAOS_INJECTOR_H_

#include <cstddef>
#include <cstdint>
#include <map>

#include "multiproc/executors/file_handle.h"

namespace multiproc {

class ChaosInjector {
 public:
  enum class Side { kPool, kThread };

  static void Arm(uint64_t seed);
  static void Disarm();

  // Kills this process's child `pid`; false if it is none, or not running.
  static bool Kill(int64_t pid);

  // Sends it SIGTERM, which costs no task (docs/signals.md); false also where
  // there is no such signal.
  static bool Terminate(int64_t pid);

  // Who was killed since Arm, and from which side.
  static std::map<int64_t, Side> Killed();
};

// For the system's part, chaos_injector_posix.cc and chaos_injector_win.cc.
namespace chaos_internal {

// How many of `size` bytes may pass before the next event; 1 at least, if
// `size` is. Few pass together.
size_t GrantBytes(size_t size);

// `size` bytes of them have passed by `pipe`. Does not return, in a worker
// whose end that was.
void CountBytes(size_t size, FileHandle pipe);

// The system's: kills a running child of this process, or sends it SIGTERM, and
// returns whether it was one; the child that has the other end of `pipe`, or 0;
// and SIGSTOP for this process, if it can be stopped.
bool KillChild(int64_t pid);
bool TerminateChild(int64_t pid);
int64_t ChildAtOtherEnd(FileHandle pipe);
extern const bool kCanStop;
void StopThisProcess();

}  // namespace chaos_internal
}  // namespace multiproc

#endif  // MULTIPROC_TESTS_CHAOS_INJECTOR_H_
