#ifndef _WIN32
#error "POSIX builds terminal_posix.cc"
#endif

#include "multiproc/executors/windows_api.h"
#include "multiproc/watch/terminal.h"

// Not in the headers of every SDK.
#ifndef ENABLE_VIRTUAL_TERMINAL_PROCESSING
#define ENABLE_VIRTUAL_TERMINAL_PROCESSING 0x0004
#endif

namespace multiproc {

bool PrepareTerminal(FileHandle handle) {
  DWORD mode = 0;
  // It fails for all that is no console.
  if (!IsValidHandle(handle) || GetConsoleMode(handle, &mode) == 0) {
    return false;
  }
  constexpr DWORD kNeeded =
      ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
  return SetConsoleMode(handle, mode | kNeeded) != 0;
}

TerminalSize SizeOfTerminal(FileHandle handle) {
  TerminalSize size;
  CONSOLE_SCREEN_BUFFER_INFO buffer = {};
  if (GetConsoleScreenBufferInfo(handle, &buffer) == 0) return size;
  // The window, and not the buffer behind it.
  size.columns = buffer.srWindow.Right - buffer.srWindow.Left + 1;
  size.rows = buffer.srWindow.Bottom - buffer.srWindow.Top + 1;
  return size;
}

bool TerminalShowsUtf8() { return GetConsoleOutputCP() == CP_UTF8; }

}  // namespace multiproc
