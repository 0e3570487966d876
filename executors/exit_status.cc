#include "multiproc/executors/exit_status.h"

#include <string.h>

#include "absl/strings/str_cat.h"

namespace multiproc {
namespace {

std::string SignalName(int signal) {
#ifdef _WIN32
  (void)signal;
  return "";
#else
  // Of glibc's and macOS's strsignal, only unknown numbers are not thread-safe.
  const char* name = strsignal(signal);
  return name == nullptr ? "" : absl::StrCat(" (", name, ")");
#endif
}

}  // namespace

std::string ExitStatus::ToString() const {
  switch (kind_) {
    case Kind::kExited:
      return absl::StrCat("exited with code ", value_);
    case Kind::kSignaled:
      return absl::StrCat("killed by signal ", value_,
                          SignalName(static_cast<int>(value_)),
                          core_dumped_ ? ", core dumped" : "");
    case Kind::kUnknown:
      break;
  }
  return "ended, nobody knows how: the program ignores SIGCHLD or waits for "
         "any child elsewhere";
}

}  // namespace multiproc
