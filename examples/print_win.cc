#include <windows.h>

#include <cstdio>
#include <cstdlib>

#include "examples/print.h"

namespace {

UINT& OldCodePage() {
  static UINT code_page = GetConsoleOutputCP();
  return code_page;
}

// The console is everybody's: it gets back what it had. A worker, which starts
// after its parent has printed, has found UTF-8, and leaves it.
bool SetConsoleToUtf8() {
  if (OldCodePage() == 0 || OldCodePage() == CP_UTF8) return false;
  SetConsoleOutputCP(CP_UTF8);
  return std::atexit([] { SetConsoleOutputCP(OldCodePage()); }) == 0;
}

}  // namespace

void PrintText(absl::string_view text) {
  [[maybe_unused]] static const bool once = SetConsoleToUtf8();
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}
