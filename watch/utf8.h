// The characters of text that need not be well-formed: names and messages come
// from anywhere.
//
//   while (!text.empty()) {
//     const std::optional<char32_t> c = TakeCharacter(&text);
//     ...
//   }
//
// Thread-safe: a pure function.

#ifndef MULTIPROC_WATCH_UTF8_H_
#define MULTIPROC_WATCH_UTF8_H_

#include <optional>

#include "absl/strings/string_view.h"

namespace multiproc {

// Takes the first character off `*text`, which is not empty; or one byte, and
// nullopt, where no character of UTF-8 begins (RFC 3629: the shortest form
// only, no surrogates, up to U+10FFFF).
std::optional<char32_t> TakeCharacter(absl::string_view* text);

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_UTF8_H_
