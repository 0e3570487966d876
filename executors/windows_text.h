// Text between this library's UTF-8 and Windows's UTF-16. Windows only.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_TEXT_H_
#define MULTIPROC_EXECUTORS_WINDOWS_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multiproc {

// INVALID_ARGUMENT, with the text, if it is not UTF-8.
absl::StatusOr<std::wstring> ToWide(absl::string_view utf8);

// Half of a surrogate pair, which file names may hold, becomes U+FFFD.
std::string ToUtf8(std::wstring_view wide);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_TEXT_H_
