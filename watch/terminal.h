// What a terminal is, and can do. On Windows: a console.
//
//   if (PrepareTerminal(handle)) {
//     const TerminalSize size = SizeOfTerminal(handle);
//     ...
//
// Thread-safe.

#ifndef MULTIPROC_WATCH_TERMINAL_H_
#define MULTIPROC_WATCH_TERMINAL_H_

#include "multiproc/executors/file_handle.h"

namespace multiproc {

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};

// Whether `handle` is a terminal that obeys the control sequences of ECMA-48:
// all but those whose TERM is "dumb" or unset; and, from then on, a console of
// Windows 10 (SetConsoleMode with ENABLE_VIRTUAL_TERMINAL_PROCESSING, which
// stays set).
bool PrepareTerminal(FileHandle handle);

// As it is now (ioctl_tty(2), TIOCGWINSZ; GetConsoleScreenBufferInfo); 80 by 24
// where the terminal does not tell.
TerminalSize SizeOfTerminal(FileHandle handle);

// Whether it is fit for more than ASCII: by the environment's LC_ALL, LC_CTYPE,
// LANG, of which the first that is set counts (locale(7)), as programs need not
// call setlocale; on Windows by the console's code page.
bool TerminalShowsUtf8();

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_TERMINAL_H_
