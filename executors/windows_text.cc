#include "multiproc/executors/windows_text.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "multiproc/executors/windows_api.h"

namespace multiproc {

absl::StatusOr<std::wstring> ToWide(absl::string_view utf8) {
  if (utf8.empty()) return std::wstring();
  const int size = static_cast<int>(utf8.size());
  const int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS,
                                         utf8.data(), size, nullptr, 0);
  if (length == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", absl::CEscape(utf8), "' is not UTF-8"));
  }
  std::wstring wide(length, L'\0');
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.data(), size,
                      wide.data(), length);
  return wide;
}

std::string ToUtf8(std::wstring_view wide) {
  if (wide.empty()) return "";
  const int length = static_cast<int>(wide.size());
  const int size = WideCharToMultiByte(CP_UTF8, 0, wide.data(), length, nullptr,
                                       0, nullptr, nullptr);
  std::string utf8(size, '\0');
  WideCharToMultiByte(CP_UTF8, 0, wide.data(), length, utf8.data(), size,
                      nullptr, nullptr);
  return utf8;
}

}  // namespace multiproc
