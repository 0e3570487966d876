// A file without a name, for handing bytes of any size to a child that reads
// them whenever it likes. POSIX only.

#ifndef MULTIPROC_EXECUTORS_ANONYMOUS_FILE_H_
#define MULTIPROC_EXECUTORS_ANONYMOUS_FILE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

// A file that holds `contents`, positioned at its beginning: in memory where
// the system can (memfd_create(2)), else on disk in TMPDIR and already
// unlinked.
absl::StatusOr<ScopedFileHandle> MakeAnonymousFile(absl::string_view contents);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_ANONYMOUS_FILE_H_
