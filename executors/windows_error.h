// An error of GetLastError as an absl::Status that says what was tried, on
// what. Windows only.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_ERROR_H_
#define MULTIPROC_EXECUTORS_WINDOWS_ERROR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace multiproc {

// "exec 'C:\nothing.exe' [error 2]: File not found.", with the code that the
// errno of the same meaning has on POSIX (NOT_FOUND here). `phase` is the step
// that failed, `subject` what it was about; empty for none. `error` is as of
// GetLastError.
absl::Status WindowsError(absl::string_view phase, absl::string_view subject,
                          uint32_t error);

// The same for a write to a pipe, in the words of every platform where nobody
// reads any more: ABORTED.
absl::Status WindowsWriteError(uint32_t error);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_ERROR_H_
