// For tests that hold for every backend of this program:
//
//   class PoolTest : public BackendTest {};
//   TEST_P(PoolTest, ReturnsResults) { ... executor() ... }
//   MULTIPROC_FOR_EVERY_BACKEND(PoolTest);

#ifndef MULTIPROC_TESTS_BACKENDS_H_
#define MULTIPROC_TESTS_BACKENDS_H_

#include <gtest/gtest.h>

#include <string>

#include "multiproc/executors/default_executor.h"

namespace multiproc {

class BackendTest : public testing::TestWithParam<std::string> {
 protected:
  Executor& executor() const { return **ExecutorByName(GetParam()); }
  bool is_fork() const { return GetParam() == "fork"; }
  bool is_windows() const { return GetParam() == "windows"; }
};

#define MULTIPROC_FOR_EVERY_BACKEND(Suite)                              \
  INSTANTIATE_TEST_SUITE_P(                                             \
      Backends, Suite, testing::ValuesIn(::multiproc::ExecutorNames()), \
      [](const testing::TestParamInfo<std::string>& backend) {          \
        return backend.param;                                           \
      })

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_BACKENDS_H_
