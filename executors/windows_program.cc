#include "multiproc/executors/windows_program.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_command_line.h"
#include "multiproc/executors/windows_error.h"
#include "multiproc/executors/windows_text.h"

namespace multiproc {
namespace {

// Whether there is a file; its folders are told by the error.
DWORD CheckFile(const std::wstring& path) {
  const DWORD attributes = GetFileAttributesW(path.c_str());
  if (attributes == INVALID_FILE_ATTRIBUTES) return GetLastError();
  return (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? ERROR_ACCESS_DENIED
                                                      : ERROR_SUCCESS;
}

// What people leave ".exe" out of: Windows adds it to a name without a dot
// (CreateProcessW, lpCommandLine), and so beside it may lie a script.
bool HasExtension(const std::wstring& path) {
  const size_t slash = path.find_last_of(L"/\\:");
  return path.find(L'.', slash == std::wstring::npos ? 0 : slash) !=
         std::wstring::npos;
}

absl::StatusOr<std::wstring> FindFile(const std::string& path) {
  absl::StatusOr<std::wstring> wide = ToWide(path);
  if (!wide.ok()) return wide.status();
  const std::wstring with_exe = *wide + L".exe";
  const bool has_extension = HasExtension(*wide);
  for (const std::wstring& candidate :
       {has_extension ? *wide : with_exe, has_extension ? with_exe : *wide}) {
    if (CheckFile(candidate) == ERROR_SUCCESS) {
      return AbsoluteWindowsPath(candidate);
    }
  }
  return WindowsError("exec", path, CheckFile(*wide));
}

std::string Variable(const wchar_t* name) {
  std::wstring value(GetEnvironmentVariableW(name, nullptr, 0), L'\0');
  const DWORD length = GetEnvironmentVariableW(
      name, value.data(), static_cast<DWORD>(value.size()));
  return ToUtf8(value.substr(0, std::min<size_t>(length, value.size())));
}

// In PATH alone: neither in the current directory nor beside this program,
// where CreateProcess would look first, and where somebody else may have put a
// file of that name.
absl::StatusOr<std::wstring> FindInPath(const std::string& program) {
  const std::string path = Variable(L"PATH");
  for (absl::string_view folder :
       absl::StrSplit(path, ';', absl::SkipEmpty())) {
    folder = absl::StripPrefix(absl::StripSuffix(folder, "\""), "\"");
    absl::StatusOr<std::wstring> found =
        FindFile(absl::StrCat(folder, "\\", program));
    if (found.ok()) return found;
  }
  return WindowsError("search of PATH for", program, ERROR_FILE_NOT_FOUND);
}

absl::Status BatchFileError(absl::string_view program) {
  return absl::InvalidArgumentError(absl::StrCat(
      "Command: '", program,
      "' is a batch file: Windows would run it by cmd.exe, which reads "
      "arguments by rules of its own that they could escape from "
      "(CVE-2024-24576); start \"cmd.exe\" with {\"/c\", ...} yourself if they "
      "can be trusted"));
}

absl::StatusOr<std::wstring> FindFileOrInPath(const std::string& program) {
  return program.find_first_of("/\\:") == std::string::npos
             ? FindInPath(program)
             : FindFile(program);
}

}  // namespace

std::wstring AbsoluteWindowsPath(const std::wstring& path) {
  const DWORD size = GetFullPathNameW(path.c_str(), 0, nullptr, nullptr);
  std::wstring result(size, L'\0');
  const DWORD length =
      GetFullPathNameW(path.c_str(), size, result.data(), nullptr);
  return length == 0 || length >= size ? path : result.substr(0, length);
}

absl::StatusOr<std::wstring> FindWindowsProgram(const std::string& program) {
  const absl::StatusOr<std::wstring> name = ToWide(program);
  if (!name.ok()) return name.status();
  if (IsWindowsBatchFile(program)) return BatchFileError(program);
  absl::StatusOr<std::wstring> path = FindFileOrInPath(program);
  // Again, of what it has become: Windows drops dots and spaces from names.
  if (path.ok() && IsWindowsBatchFile(ToUtf8(*path))) {
    return BatchFileError(program);
  }
  return path;
}

}  // namespace multiproc
