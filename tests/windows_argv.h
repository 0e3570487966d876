// Readers of a Windows command line, to check its writer with
// (executors/windows_command_line.h). They work on every system.
//
//   Argv argv = ReadWindowsArgv(WindowsArgvRules::kCRuntime, R"(x "a b")");
//
// Thread-safe: pure functions.

#ifndef MULTIPROC_TESTS_WINDOWS_ARGV_H_
#define MULTIPROC_TESTS_WINDOWS_ARGV_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace multiproc {

using Argv = std::vector<std::string>;

// The two of Windows differ in argv[0], and in what "" means within quotes: a
// literal quote to both, with which CommandLineToArgvW leaves the quotes and
// the C runtime (since 2008) stays in them.
enum class WindowsArgvRules { kCommandLineToArgvW, kCRuntime };

// Reads `line` by the rules that Microsoft documents, without a look at the
// writer.
Argv ReadWindowsArgv(WindowsArgvRules rules, absl::string_view line);

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_WINDOWS_ARGV_H_
