// An errno as an absl::Status that says what was tried, on what. POSIX only.

#ifndef MULTIPROC_EXECUTORS_POSIX_ERROR_H_
#define MULTIPROC_EXECUTORS_POSIX_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multiproc {

// "exec '/bin/nothing' [errno 2]: No such file or directory", with the code
// that absl gives the errno (NOT_FOUND here). `phase` is the step that failed,
// `subject` what it was about; empty for none.
inline absl::Status PosixError(absl::string_view phase,
                               absl::string_view subject, int error) {
  return absl::ErrnoToStatus(
      error, absl::StrCat(phase, subject.empty() ? "" : " '", subject,
                          subject.empty() ? "" : "'", " [errno ", error, "]"));
}

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_POSIX_ERROR_H_
