// Text for one line of a terminal, whose columns are counted: it must not wrap.
//
//   DisplayText(task.label, 20, utf8);              // 20 columns at most
//
// Thread-safe: pure functions.

#ifndef MULTIPROC_WATCH_DISPLAY_TEXT_H_
#define MULTIPROC_WATCH_DISPLAY_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace multiproc {

// As much of `text` as takes `columns` at most. Control characters, bytes that
// are no UTF-8, and, if the terminal shows no `utf8`, all beyond ASCII, become
// '?'. Characters of East Asian scripts and emoji take two columns, and those
// that combine with the one before take none: by their blocks (Unicode Standard
// Annex #11), which is right for nearly all.
std::string DisplayText(absl::string_view text, size_t columns, bool utf8);

// How many columns `text` takes, which DisplayText has made.
size_t CountColumns(absl::string_view text);

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_DISPLAY_TEXT_H_
