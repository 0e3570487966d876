// Paths for the files of tests.

#ifndef MULTIPROC_TESTS_TEMP_PATH_H_
#define MULTIPROC_TESTS_TEMP_PATH_H_

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/current_process.h"

namespace multiproc {

// Another one at each call, in every process; ends with `name`. As the system
// writes paths: with backslashes on Windows. Thread-safe.
inline std::string TempPath(const std::string& name) {
  static std::atomic<int> count{0};
  std::filesystem::path path = testing::TempDir();
  path /= absl::StrCat(CurrentPid(), "_", ++count, name);
  return path.make_preferred().string();
}

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_TEMP_PATH_H_
