// Names at which two processes of a test meet (test_os.h).

#ifndef MULTIPROC_TESTS_NEW_FIFO_H_
#define MULTIPROC_TESTS_NEW_FIFO_H_

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "tests/test_os.h"

namespace multiproc {

// Another one at each call in this process. Thread-safe.
inline std::string NewFifo() {
  static std::atomic<int> count{0};
  std::string path = MakeFifo(testing::TempDir(), ++count);
  EXPECT_NE(path, "");
  return path;
}

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_NEW_FIFO_H_
