// What children print, as text: on Windows they end their lines with "\r\n".

#ifndef MULTIPROC_TESTS_READ_TEXT_H_
#define MULTIPROC_TESTS_READ_TEXT_H_

#include <string>

#include "absl/strings/str_replace.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

// All that is left, with "\n" at the ends of lines.
inline std::string ReadText(FileHandle handle) {
  return absl::StrReplaceAll(*ReadToEnd(handle), {{"\r\n", "\n"}});
}

// The next line without its end, or what there is of it.
inline std::string ReadLine(FileHandle handle) {
  std::string line;
  char byte = 0;
  while (*ReadSome(handle, &byte, 1) == 1 && byte != '\n') {
    if (byte != '\r') line += byte;
  }
  return line;
}

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_READ_TEXT_H_
