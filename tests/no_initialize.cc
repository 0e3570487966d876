// A program that forgets Initialize(), for whole_program_test: prints what it
// is told, and must not become many.

#include <cstdio>

#include "multiproc/executors/default_executor.h"
#include "multiproc/pool/process_pool.h"

void DoNothing() {}
MULTIPROC_FUNCTION(DoNothing);

int main() {
  std::printf("%s\n", multiproc::Spawn(DoNothing).status().ToString().c_str());
  std::printf("%s\n",
              multiproc::ProcessPool::Create().status().ToString().c_str());
}
