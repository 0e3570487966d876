#include <cstdio>

#include "examples/print.h"

void PrintText(absl::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}
