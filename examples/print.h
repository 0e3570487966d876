// Prints as std::printf does, and at once: what several processes print comes
// in the order in which they print it. The text is UTF-8, also on a console of
// Windows.
//
//   Print("child process %s (%d)\n", name, pid);

#ifndef MULTIPROC_EXAMPLES_PRINT_H_
#define MULTIPROC_EXAMPLES_PRINT_H_

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

void PrintText(absl::string_view text);

template <typename... Args>
void Print(const absl::FormatSpec<Args...>& format, const Args&... args) {
  PrintText(absl::StrFormat(format, args...));
}

#endif  // MULTIPROC_EXAMPLES_PRINT_H_
