#include <windows.h>

#include <cstdio>
#include <string>

#include "examples/print.h"

namespace {

// A console has a code page of its own, which is rarely UTF-8, and C runtimes
// write to it byte by byte. UTF-16 reaches it as it is, and in one piece. False
// if standard output is no console.
bool WriteToConsole(absl::string_view text) {
  const HANDLE console = GetStdHandle(STD_OUTPUT_HANDLE);
  DWORD mode = 0;
  if (GetConsoleMode(console, &mode) == 0) return false;
  const int size = static_cast<int>(text.size());
  std::wstring wide(text.size(), L'\0');
  const int length =
      MultiByteToWideChar(CP_UTF8, 0, text.data(), size, wide.data(), size);
  DWORD written = 0;
  return WriteConsoleW(console, wide.data(), static_cast<DWORD>(length),
                       &written, nullptr) != 0;
}

}  // namespace

void PrintText(absl::string_view text) {
  std::fflush(stdout);
  if (WriteToConsole(text)) return;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}
