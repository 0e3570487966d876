// What is in a file.

#ifndef MULTIPROC_TESTS_READ_FILE_H_
#define MULTIPROC_TESTS_READ_FILE_H_

#include <fstream>
#include <sstream>
#include <string>

namespace multiproc {

// All of it; empty if it can't be read.
inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_READ_FILE_H_
