// Why pools on Windows do nothing of what is in pool_posix_test.cc.

#include <gtest/gtest.h>

#include "tests/backends.h"

namespace multiproc {
namespace {

class PoolOnPosixTest : public BackendTest {};

TEST_P(PoolOnPosixTest, APoolWorksWhereSigchldIsIgnored) {
  GTEST_SKIP() << "Windows has no SIGCHLD";
}

MULTIPROC_FOR_EVERY_BACKEND(PoolOnPosixTest);

TEST(ForkTest, RefusesInAProgramWithThreads) {
  GTEST_SKIP() << "Windows has no fork";
}

TEST(ForkTest, ForksWithThreadsIfToldSo) {
  GTEST_SKIP() << "Windows has no fork";
}

}  // namespace
}  // namespace multiproc
