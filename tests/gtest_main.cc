// A main for tests that start functions in other processes: GoogleTest's own
// does not know that a child has other things to do than to run the tests.

#include <gtest/gtest.h>

#include "multiproc/executors/initialize.h"

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
