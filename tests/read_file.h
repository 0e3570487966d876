// What is in a file.

#ifndef MULTIPROC_TESTS_READ_FILE_H_
#define MULTIPROC_TESTS_READ_FILE_H_

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace multiproc {

// All of it; empty if it can't be read.
inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Its lines, without their ends.
inline std::vector<std::string> ReadLines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_READ_FILE_H_
