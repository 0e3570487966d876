// A string of JSON (RFC 8259). Thread-safe: a pure function.

#ifndef MULTIPROC_WATCH_JSON_TEXT_H_
#define MULTIPROC_WATCH_JSON_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace multiproc {

// `text` in quotes. What is no UTF-8 becomes U+FFFD, as JSON has nothing else.
std::string JsonText(absl::string_view text);

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_JSON_TEXT_H_
