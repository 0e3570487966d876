#ifdef _WIN32
#error "Windows builds terminal_win.cc"
#endif

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "multiproc/watch/terminal.h"

namespace multiproc {

bool PrepareTerminal(FileHandle handle) {
  const char* const term = std::getenv("TERM");
  return isatty(handle) != 0 && term != nullptr && *term != '\0' &&
         absl::string_view(term) != "dumb";
}

TerminalSize SizeOfTerminal(FileHandle handle) {
  TerminalSize size;
  winsize window = {};
  if (ioctl(handle, TIOCGWINSZ, &window) != 0) return size;
  if (window.ws_col > 0) size.columns = window.ws_col;
  if (window.ws_row > 0) size.rows = window.ws_row;
  return size;
}

bool TerminalShowsUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string locale = absl::AsciiStrToLower(value);
    return absl::StrContains(locale, "utf-8") ||
           absl::StrContains(locale, "utf8");
  }
  return false;
}

}  // namespace multiproc
