#include "multiproc/executors/windows_command_line.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace multiproc {
namespace {

// CreateProcessW's limit, in UTF-16 code units with the final NUL.
constexpr size_t kMaxCommandLine = 32767;

// argv[0] has no escapes: quotes only keep its spaces, and a backslash is
// always itself. CommandLineToArgvW ends a bare name at any control character,
// too.
std::string QuoteProgram(absl::string_view program) {
  const bool is_bare = !program.empty() &&
                       std::none_of(program.begin(), program.end(), [](char c) {
                         return static_cast<unsigned char>(c) <= ' ';
                       });
  return is_bare ? std::string(program) : absl::StrCat("\"", program, "\"");
}

// The number of code units that `utf8` has in UTF-16: one for a code point, two
// for one beyond U+FFFF, whose first byte is 0xF0 or more.
size_t Utf16Length(absl::string_view utf8) {
  size_t length = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xC0) == 0x80;
    if (!continues) length += byte >= 0xF0 ? 2 : 1;
  }
  return length;
}

// Windows drops these at the end of a file's name.
absl::string_view WithoutDotsAndSpaces(absl::string_view name) {
  return name.substr(0, name.find_last_not_of(". ") + 1);
}

// `name` may be "C:name", "name:stream" or "name:stream:type". A stream that is
// called x.bat is no better than a file.
bool NamesBatchFile(absl::string_view name) {
  for (const absl::string_view part : absl::StrSplit(name, ':')) {
    const absl::string_view opened = WithoutDotsAndSpaces(part);
    if (absl::EndsWithIgnoreCase(opened, ".bat") ||
        absl::EndsWithIgnoreCase(opened, ".cmd")) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string QuoteWindowsArgument(absl::string_view argument) {
  if (!argument.empty() &&
      argument.find_first_of(" \t\n\v\"") == absl::string_view::npos) {
    return std::string(argument);
  }
  // A backslash is itself, but before a quote it escapes: there, and before the
  // closing quote, each is doubled. A quote becomes \" and never "", of which
  // the parsers make different things.
  std::string quoted = "\"";
  size_t backslashes = 0;  // just before the next character
  for (const char c : argument) {
    if (c == '"') quoted.append(backslashes + 1, '\\');
    backslashes = c == '\\' ? backslashes + 1 : 0;
    quoted.push_back(c);
  }
  quoted.append(backslashes, '\\');
  quoted.push_back('"');
  return quoted;
}

absl::StatusOr<std::string> WindowsCommandLine(
    absl::string_view program, const std::vector<std::string>& arguments) {
  if (absl::StrContains(program, '"')) {
    return absl::InvalidArgumentError(
        "Command: the program's name holds a '\"', which no Windows command "
        "line can express");
  }
  std::string line = QuoteProgram(program);
  for (const std::string& argument : arguments) {
    absl::StrAppend(&line, " ", QuoteWindowsArgument(argument));
  }
  const size_t length = Utf16Length(line) + 1;
  if (length > kMaxCommandLine) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Command: the command line has ", length,
        " UTF-16 code units with its final NUL; Windows takes at most ",
        kMaxCommandLine, ": pass the arguments in a file"));
  }
  return line;
}

bool IsWindowsBatchFile(absl::string_view program) {
  const std::vector<absl::string_view> names =
      absl::StrSplit(program, absl::ByAnyChar("/\\"));
  bool climbs = false;  // a ".." follows: any name may be the file's
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (WithoutDotsAndSpaces(*name).empty()) {
      climbs = climbs || absl::StrContains(*name, "..");
      continue;
    }
    if (NamesBatchFile(*name)) return true;
    if (!climbs) return false;
  }
  return false;
}

}  // namespace multiproc
