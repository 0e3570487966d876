// A Windows command line. CreateProcessW takes one string, not an argv: every
// program splits it again, by its own parser. Text only: all of this works (and
// is tested) on every system. Strings are UTF-8.
//
// Sources, of Microsoft:
//   "Parsing C++ command-line arguments"
//     https://learn.microsoft.com/cpp/cpp/main-function-command-line-args
//   "CommandLineToArgvW function (shellapi.h)"
//     https://learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw
//   "Everyone quotes command line arguments the wrong way", Daniel Colascione

#ifndef MULTIPROC_EXECUTORS_WINDOWS_COMMAND_LINE_H_
#define MULTIPROC_EXECUTORS_WINDOWS_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multiproc {

// `argument`, quoted so that CommandLineToArgvW and Microsoft's C runtime both
// give it back exactly. cmd.exe has other rules: see IsWindowsBatchFile.
std::string QuoteWindowsArgument(absl::string_view argument);

// The command line for CreateProcessW: `program` as argv[0], then each argument
// quoted. No string may hold a NUL byte: CheckCommand (command.h) sees to it.
//
// INVALID_ARGUMENT if `program` holds a '"', which argv[0] can't express, or if
// the line is longer than CreateProcessW takes: 32,767 UTF-16 code units with
// its final NUL.
absl::StatusOr<std::string> WindowsCommandLine(
    absl::string_view program, const std::vector<std::string>& arguments);

// Whether Windows would run `program` by cmd.exe: a .bat or .cmd file, also in
// a disguise that Windows takes off ("x.bat. .", "x.bat::$DATA", "x.bat/."). If
// in doubt, true. cmd.exe reads the line by rules of its own, and may find a
// command to run in an argument that is quoted for everything else
// (CVE-2024-24576, CVE-2024-43402).
bool IsWindowsBatchFile(absl::string_view program);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_COMMAND_LINE_H_
