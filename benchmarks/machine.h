// The machine on which figures are taken, and whether it is quiet.
//
//   OthersCpu others;
//   ...                            // a program runs, in a process group
//   others.Share(process_group);   // 0.02: a fiftieth of one CPU
//
// Thread-compatible. Linux's /proc; where there is none, it says less.

#ifndef MULTIPROC_BENCHMARKS_MACHINE_H_
#define MULTIPROC_BENCHMARKS_MACHINE_H_

#include <cstdint>
#include <string>

#include "multiproc/benchmarks/call_times.h"

namespace multiproc {

// One line: the CPUs, the memory and the kernel.
std::string DescribeMachine();

// The load of the last minute.
double LoadAverage();

// Memory that could be used without swapping, in MiB; 0 if that is unknown.
int64_t AvailableMib();

// CPU that others use, from the construction on.
class OthersCpu {
 public:
  OthersCpu();

  // Of one CPU, the share that processes used that are neither this one nor in
  // that group.
  double Share(int64_t process_group) const;

 private:
  Stopwatch stopwatch_;
  const double seconds_before_;
};

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_MACHINE_H_
