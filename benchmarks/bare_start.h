// Lets a program be started as little more than a process: the floor of what it
// costs to start that same program for a function's sake.
//
//   int main(int argc, char** argv) {
//     if (RanBare(argc, argv)) return 0;  // before anything else
//     multiproc::Initialize(&argc, &argv);

#ifndef MULTIPROC_BENCHMARKS_BARE_START_H_
#define MULTIPROC_BENCHMARKS_BARE_START_H_

#include <cstdio>
#include <cstring>

namespace multiproc {

// Main returns at once.
inline constexpr char kReturnAtOnce[] = "--return-at-once";

// Main writes one byte to standard output, and returns at the end of standard
// input.
inline constexpr char kSayReady[] = "--say-ready";

// Whether the program was started in one of these ways, and is done.
inline bool RanBare(int argc, char** argv) {
  if (argc != 2) return false;
  if (std::strcmp(argv[1], kReturnAtOnce) == 0) return true;
  if (std::strcmp(argv[1], kSayReady) != 0) return false;
  std::putchar('!');
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return true;
}

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_BARE_START_H_
