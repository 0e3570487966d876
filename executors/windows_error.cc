#include "multiproc/executors/windows_error.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_text.h"

namespace multiproc {
namespace {

absl::StatusCode CodeOf(uint32_t error) {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
    case ERROR_MOD_NOT_FOUND:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME:
      return absl::StatusCode::kNotFound;
    case ERROR_ACCESS_DENIED:
    case ERROR_WRITE_PROTECT:
    case ERROR_PRIVILEGE_NOT_HELD:
    case ERROR_ELEVATION_REQUIRED:
    case ERROR_ACCESS_DISABLED_BY_POLICY:
    case ERROR_VIRUS_INFECTED:
    // POSIX has no way to run such a file either.
    case ERROR_BAD_EXE_FORMAT:
    case ERROR_EXE_MACHINE_TYPE_MISMATCH:
      return absl::StatusCode::kPermissionDenied;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_COMMITMENT_LIMIT:
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_NOT_ENOUGH_QUOTA:
    case ERROR_TOO_MANY_OPEN_FILES:
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
      return absl::StatusCode::kResourceExhausted;
    case ERROR_INVALID_PARAMETER:
    case ERROR_INVALID_NAME:
    case ERROR_BAD_PATHNAME:
    case ERROR_FILENAME_EXCED_RANGE:
    case ERROR_NO_UNICODE_TRANSLATION:
      return absl::StatusCode::kInvalidArgument;
    case ERROR_INVALID_HANDLE:
    case ERROR_DIRECTORY:
      return absl::StatusCode::kFailedPrecondition;
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    case ERROR_CALL_NOT_IMPLEMENTED:
    case ERROR_NOT_SUPPORTED:
      return absl::StatusCode::kUnimplemented;
    case ERROR_BROKEN_PIPE:
    case ERROR_NO_DATA:
    case ERROR_PIPE_NOT_CONNECTED:
      return absl::StatusCode::kAborted;
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case ERROR_PIPE_BUSY:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kUnknown;
  }
}

// As Windows words it, in the language of the user.
std::string TextOf(uint32_t error) {
  wchar_t text[512];
  const DWORD length = FormatMessageW(
      FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr,
      error, 0, text, sizeof(text) / sizeof(text[0]), nullptr);
  const std::string utf8 = ToUtf8(std::wstring_view(text, length));
  return std::string(absl::StripAsciiWhitespace(utf8));
}

}  // namespace

absl::Status WindowsError(absl::string_view phase, absl::string_view subject,
                          uint32_t error) {
  return absl::Status(
      CodeOf(error), absl::StrCat(phase, subject.empty() ? "" : " '", subject,
                                  subject.empty() ? "" : "'", " [error ", error,
                                  "]: ", TextOf(error)));
}

absl::Status WindowsWriteError(uint32_t error) {
  absl::Status status = WindowsError("write", "", error);
  if (!absl::IsAborted(status)) return status;
  return absl::AbortedError("write: the other end of the pipe is closed");
}

}  // namespace multiproc
