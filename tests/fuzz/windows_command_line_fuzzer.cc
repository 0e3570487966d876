// Whether every program of Windows gets the arguments that it was given, by the
// rules of both readers of command lines.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/windows_command_line.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/windows_argv.h"

namespace multiproc {
namespace {

// An argument holds anything but a NUL, which Command refuses before.
void CheckRoundTrip(const Argv& argv) {
  const std::string& program = argv[0];
  const absl::StatusOr<std::string> line =
      WindowsCommandLine(program, Argv(argv.begin() + 1, argv.end()));
  if (!line.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(line.status()));
    // Inputs are shorter than the longest line.
    FUZZ_CHECK(program.find('"') != std::string::npos);
    return;
  }
  FUZZ_CHECK(ReadWindowsArgv(WindowsArgvRules::kCommandLineToArgvW, *line) ==
             argv);
  FUZZ_CHECK(ReadWindowsArgv(WindowsArgvRules::kCRuntime, *line) == argv);
  for (const std::string& argument : argv) {
    const std::string alone =
        absl::StrCat("x ", QuoteWindowsArgument(argument));
    FUZZ_CHECK(ReadWindowsArgv(WindowsArgvRules::kCRuntime, alone) ==
               (Argv{"x", argument}));
  }
}

// However the name begins, and what Windows takes off its end.
void CheckBatchFiles(const std::string& program) {
  for (const absl::string_view extension : {".bat", ".CMD"}) {
    for (const absl::string_view disguise :
         {"", ".", " ", ". .", "/.", "\\. ", "::$DATA", ":x", "/./", "/x/.."}) {
      FUZZ_CHECK(
          IsWindowsBatchFile(absl::StrCat(program, extension, disguise)));
    }
    FUZZ_CHECK(!IsWindowsBatchFile(absl::StrCat(program, extension, "/x.exe")));
  }
}

}  // namespace
}  // namespace multiproc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (size > 8000) return 0;
  const multiproc::Argv argv = absl::StrSplit(text, '\0');
  multiproc::CheckRoundTrip(argv);
  multiproc::CheckBatchFiles(argv[0]);
  return 0;
}
