// The main of a program that is nothing but a worker of pools: a pool starts it
// by ProcessPoolOptions::worker_program.

#include <cstdio>

#include "multiproc/executors/initialize.h"

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  // Only who was started by nobody's pool gets here.
  std::fprintf(stderr,
               "%s: a worker, which a program starts that names it as "
               "multiproc::ProcessPoolOptions::worker_program\n",
               argc > 0 ? argv[0] : "?");
  return 2;
}
