#include "multiproc/executors/exit_status.h"

#include <string.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multiproc {
namespace {

std::string SignalName(int signal) {
#ifdef _WIN32
  switch (signal) {
    case 2:
      return " (Interrupt)";
    case 6:
      return " (Aborted)";
    case 9:
      return " (Killed)";
    case 11:
      return " (Segmentation fault)";
    case 15:
      return " (Terminated)";
    default:
      return "";
  }
#else
  // Of glibc's and macOS's strsignal, only unknown numbers are not thread-safe.
  const char* name = strsignal(signal);
  return name == nullptr ? "" : absl::StrCat(" (", name, ")");
#endif
}

// By which Windows ends a process, and the C runtime and the loader too: the
// values of ntstatus.h.
constexpr struct {
  uint32_t code;
  absl::string_view name;
} kWindowsCodes[] = {
    {0x40010004, "DBG_TERMINATE_PROCESS"},
    {0x40010005, "DBG_CONTROL_C"},
    {0x80000001, "STATUS_GUARD_PAGE_VIOLATION"},
    {0x80000002, "STATUS_DATATYPE_MISALIGNMENT"},
    {0x80000003, "STATUS_BREAKPOINT"},
    {0x80000004, "STATUS_SINGLE_STEP"},
    {0xC0000005, "STATUS_ACCESS_VIOLATION"},
    {0xC0000006, "STATUS_IN_PAGE_ERROR"},
    {0xC0000008, "STATUS_INVALID_HANDLE"},
    {0xC000000D, "STATUS_INVALID_PARAMETER"},
    {0xC0000017, "STATUS_NO_MEMORY"},
    {0xC000001D, "STATUS_ILLEGAL_INSTRUCTION"},
    {0xC0000025, "STATUS_NONCONTINUABLE_EXCEPTION"},
    {0xC000007B, "STATUS_INVALID_IMAGE_FORMAT"},
    {0xC000008C, "STATUS_ARRAY_BOUNDS_EXCEEDED"},
    {0xC000008E, "STATUS_FLOAT_DIVIDE_BY_ZERO"},
    {0xC0000094, "STATUS_INTEGER_DIVIDE_BY_ZERO"},
    {0xC0000095, "STATUS_INTEGER_OVERFLOW"},
    {0xC0000096, "STATUS_PRIVILEGED_INSTRUCTION"},
    {0xC00000FD, "STATUS_STACK_OVERFLOW"},
    {0xC0000135, "STATUS_DLL_NOT_FOUND"},
    {0xC0000138, "STATUS_ORDINAL_NOT_FOUND"},
    {0xC0000139, "STATUS_ENTRYPOINT_NOT_FOUND"},
    {0xC000013A, "STATUS_CONTROL_C_EXIT"},
    {0xC0000142, "STATUS_DLL_INIT_FAILED"},
    {0xC0000194, "STATUS_POSSIBLE_DEADLOCK"},
    {0xC0000374, "STATUS_HEAP_CORRUPTION"},
    {0xC0000409, "STATUS_STACK_BUFFER_OVERRUN"},
    {0xC0000417, "STATUS_INVALID_CRUNTIME_PARAMETER"},
    {0xC0000420, "STATUS_ASSERTION_FAILURE"},
    {0xE06D7363, "a C++ exception"},
};

// Small numbers as people write them, and those of Windows as its documents do.
std::string CodeText(uint32_t code) {
  if (code < 0x40000000) return absl::StrCat(code);
  const std::string hex =
      absl::StrCat("0x", absl::AsciiStrToUpper(absl::StrCat(absl::Hex(code))));
  for (const auto& known : kWindowsCodes) {
    if (known.code == code) return absl::StrCat(hex, " (", known.name, ")");
  }
  return hex;
}

}  // namespace

ExitStatus ExitStatus::FromWindowsCode(uint32_t code) {
  const int signal = static_cast<int>(code & 0xFF);
  return signal != 0 && code == WindowsCodeOfSignal(signal) ? Signaled(signal)
                                                            : Exited(code);
}

std::string ExitStatus::ToString() const {
  switch (kind_) {
    case Kind::kExited:
      return absl::StrCat("exited with code ", CodeText(value_));
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
