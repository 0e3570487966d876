#include "multiproc/executors/windows_command_line.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/windows_argv.h"

#ifdef _WIN32
#include "multiproc/executors/windows_api.h"
// Needs windows.h before it.
#include <shellapi.h>
#endif

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Reader {
  std::string name;
  WindowsArgvRules rules;
  Argv (*read)(const std::string& line);
};

#ifdef _WIN32

std::wstring ToUtf16(const std::string& utf8) {
  std::wstring utf16(utf8.size() + 1, L'\0');  // never has more units
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.c_str(), -1,
                      &utf16[0], static_cast<int>(utf16.size()));
  return utf16.c_str();
}

std::string ToUtf8(const std::wstring& utf16) {
  std::string utf8(3 * utf16.size() + 1, '\0');  // at most three for one unit
  WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, utf16.c_str(), -1,
                      &utf8[0], static_cast<int>(utf8.size()), nullptr,
                      nullptr);
  return utf8.c_str();
}

Argv ReadByWindows(const std::string& line) {
  int argc = 0;
  wchar_t** const wide = CommandLineToArgvW(ToUtf16(line).c_str(), &argc);
  if (wide == nullptr) return {"CommandLineToArgvW failed"};
  Argv argv;
  for (int i = 0; i < argc; ++i) argv.push_back(ToUtf8(wide[i]));
  LocalFree(wide);
  return argv;
}

#endif  // _WIN32

std::vector<Reader> Readers() {
  return {
      {"the rules of CommandLineToArgvW", WindowsArgvRules::kCommandLineToArgvW,
       [](const std::string& line) {
         return ReadWindowsArgv(WindowsArgvRules::kCommandLineToArgvW, line);
       }},
      {"the rules of the C runtime", WindowsArgvRules::kCRuntime,
       [](const std::string& line) {
         return ReadWindowsArgv(WindowsArgvRules::kCRuntime, line);
       }},
#ifdef _WIN32
      {"the CommandLineToArgvW of this system",
       WindowsArgvRules::kCommandLineToArgvW, ReadByWindows},
#endif
  };
}

// First the readers themselves: a wrong one must not approve a wrong writer.

struct Example {
  std::string line;
  Argv argv;
};

void ExpectReads(const Reader& reader, const Example& example) {
  EXPECT_EQ(reader.read(example.line), example.argv)
      << reader.name << ", of [" << example.line << "]";
}

TEST(ReaderTest, ReadsTheExamplesOfMicrosoft) {
  const std::vector<Example> examples = {
      // "Parsing C++ command-line arguments"
      {R"(x "abc" d e)", {"x", "abc", "d", "e"}},
      {R"(x a\\b d"e f"g h)", {"x", R"(a\\b)", "de fg", "h"}},
      {R"(x a\\\"b c d)", {"x", R"(a\"b)", "c", "d"}},
      {R"(x a\\\\"b c" d e)", {"x", R"(a\\b c)", "d", "e"}},
      // "Parsing C command-line arguments"
      {R"(x "a b c" d e)", {"x", "a b c", "d", "e"}},
      {R"(x "ab\"c" "\\" d)", {"x", R"(ab"c)", R"(\)", "d"}},
      {R"(x a\\\b d"e f"g h)", {"x", R"(a\\\b)", "de fg", "h"}},
      // "What's up with the strange treatment of quotation marks and
      // backslashes by CommandLineToArgvW"
      {R"(x "C:\Hello there.txt")", {"x", R"(C:\Hello there.txt)"}},
      {R"(x "hello\"there")", {"x", R"(hello"there)"}},
      {R"(x "hello\\")", {"x", R"(hello\)"}},
  };
  for (const Reader& reader : Readers()) {
    for (const Example& example : examples) ExpectReads(reader, example);
  }
}

TEST(ReaderTest, ReadsBlanksAndEmptyArguments) {
  const std::vector<Example> examples = {
      {"x", {"x"}},
      {"x ", {"x"}},
      {"x  a\t \tb ", {"x", "a", "b"}},
      {R"(x "" "")", {"x", "", ""}},
      {R"(x a"" b)", {"x", "a", "b"}},
      {R"(x "a b)", {"x", "a b"}},
      {"x a\nb", {"x", "a\nb"}},
      {R"(x \ \\)", {"x", R"(\)", R"(\\)"}},
  };
  for (const Reader& reader : Readers()) {
    for (const Example& example : examples) ExpectReads(reader, example);
  }
}

TEST(ReaderTest, ReadsProgramsWithoutEscapes) {
  const std::vector<Example> examples = {
      {R"(C:\dir\ a)", {R"(C:\dir\)", "a"}},
      {R"("C:\my dir\" a)", {R"(C:\my dir\)", "a"}},
      {R"("C:\\my dir\\" a)", {R"(C:\\my dir\\)", "a"}},
      {R"("" a)", {"", "a"}},
  };
  for (const Reader& reader : Readers()) {
    for (const Example& example : examples) ExpectReads(reader, example);
  }
}

// What the readers differ in. The first is Microsoft's example for its runtime.
TEST(ReaderTest, ReadsByItsOwnRules) {
  struct Difference {
    std::string line;
    Argv by_command_line_to_argv;
    Argv by_c_runtime;
  };
  const std::vector<Difference> differences = {
      {R"(x a"b"" c d)", {"x", R"(ab")", "c", "d"}, {"x", R"(ab" c d)"}},
      {R"(x "a""b" c" d)", {"x", R"(a"b c)", "d"}, {"x", R"(a"b)", "c d"}},
      {R"(x """a b" c)", {"x", R"("a)", "b c"}, {"x", R"("a b)", "c"}},
      {R"(x """" a)", {"x", R"(" a)"}, {"x", R"(")", "a"}},
      {R"("a b"c d)", {"a b", "c", "d"}, {"a bc", "d"}},
      {R"(a"b c"d)", {R"(a"b)", "cd"}, {"ab cd"}},
  };
  for (const Reader& reader : Readers()) {
    for (const Difference& difference : differences) {
      ExpectReads(reader,
                  {difference.line, reader.rules == WindowsArgvRules::kCRuntime
                                        ? difference.by_c_runtime
                                        : difference.by_command_line_to_argv});
    }
  }
}

// Now the writer.

struct Quoting {
  std::string argument;
  std::string quoted;
};

void ExpectQuotes(const std::vector<Quoting>& quotings) {
  for (const Quoting& quoting : quotings) {
    EXPECT_EQ(QuoteWindowsArgument(quoting.argument), quoting.quoted)
        << "of [" << quoting.argument << "]";
  }
}

TEST(QuoteWindowsArgumentTest, LeavesPlainArgumentsAlone) {
  for (const std::string argument :
       {"a", "-n", "--file=a.txt", "/c", "a,b;c", "*.txt", "%PATH%", "a&b|c>d^",
        "'a'", "\xC3\xA9\xE4\xB8\x96\xF0\x9F\x98\x80", "\x01\r\f", R"(\)",
        R"(\\)", R"(\\\)", R"(a\b)", R"(a\\b)", R"(\\server\share\)",
        R"(C:\dir\)", "\xC2\xA0\xE3\x80\x80"}) {
    ExpectQuotes({{argument, argument}});
  }
}

TEST(QuoteWindowsArgumentTest, QuotesBlanksAndTheEmptyArgument) {
  ExpectQuotes({
      {"", R"("")"},
      {" ", R"(" ")"},
      {"a b", R"("a b")"},
      {"a\tb", "\"a\tb\""},
      {"a\nb", "\"a\nb\""},
      {"a\vb", "\"a\vb\""},
      {" a", R"(" a")"},
      {"a ", R"("a ")"},
      {"\xC3\xA9 \xF0\x9F\x98\x80", "\"\xC3\xA9 \xF0\x9F\x98\x80\""},
  });
}

TEST(QuoteWindowsArgumentTest, EscapesQuotes) {
  ExpectQuotes({
      {R"(")", R"("\"")"},
      {R"("")", R"("\"\"")"},
      {R"(""")", R"("\"\"\"")"},
      {R"(a"b)", R"("a\"b")"},
      {R"("a b")", R"("\"a b\"")"},
      {R"(say "hi" to)", R"("say \"hi\" to")"},
  });
}

TEST(QuoteWindowsArgumentTest, DoublesBackslashesOnlyBeforeQuotes) {
  ExpectQuotes({
      {R"(\")", R"("\\\"")"},
      {R"(\\")", R"("\\\\\"")"},
      {R"(\\\")", R"("\\\\\\\"")"},
      {R"("\)", R"("\"\\")"},
      {R"("\\)", R"("\"\\\\")"},
      {R"(a\"b\\"c)", R"("a\\\"b\\\\\"c")"},
      {R"(a\b"c)", R"("a\b\"c")"},
      {R"(a\\b c)", R"("a\\b c")"},
      {R"(C:\my dir)", R"("C:\my dir")"},
      {R"(C:\my dir\)", R"("C:\my dir\\")"},
      {R"(C:\my dir\\)", R"("C:\my dir\\\\")"},
      {R"(\ )", R"("\ ")"},
      {R"( \)", R"(" \\")"},
      {R"(\ \)", R"("\ \\")"},
  });
}

// The command line of `program` and `arguments`, which must be a good one.
std::string Line(absl::string_view program, const Argv& arguments) {
  const absl::StatusOr<std::string> line =
      WindowsCommandLine(program, arguments);
  EXPECT_TRUE(line.ok()) << line.status();
  return line.value_or("");
}

void ExpectLine(absl::string_view program, const Argv& arguments,
                absl::string_view line) {
  EXPECT_EQ(Line(program, arguments), line);
}

TEST(WindowsCommandLineTest, JoinsProgramAndArguments) {
  ExpectLine("sort", {}, "sort");
  ExpectLine("sort", {"-n", "", R"(a "b")", R"(c:\)"},
             R"(sort -n "" "a \"b\"" c:\)");
}

TEST(WindowsCommandLineTest, QuotesTheProgramWithoutEscapes) {
  ExpectLine("", {"a"}, R"("" a)");
  ExpectLine(R"(C:\dir\x.exe)", {"a"}, R"(C:\dir\x.exe a)");
  ExpectLine(R"(C:\dir\)", {"a"}, R"(C:\dir\ a)");
  ExpectLine(R"(C:\my dir\x.exe)", {"a"}, R"("C:\my dir\x.exe" a)");
  ExpectLine(R"(C:\my dir\)", {"a"}, R"("C:\my dir\" a)");
  ExpectLine("a\tb", {"a"}, "\"a\tb\" a");
  ExpectLine("a\nb", {"a"}, "\"a\nb\" a");
  ExpectLine("\xC3\xA9.exe", {"a"}, "\xC3\xA9.exe a");
}

// INVALID_ARGUMENT whose message holds `first` and `second`.
void ExpectBad(const absl::StatusOr<std::string>& line,
               const std::string& first, const std::string& second) {
  ASSERT_TRUE(absl::IsInvalidArgument(line.status())) << line.status();
  EXPECT_THAT(
      line.status().message(),
      AllOf(HasSubstr("Command: "), HasSubstr(first), HasSubstr(second)));
}

TEST(WindowsCommandLineTest, QuoteInTheProgramIsBad) {
  for (const std::string program :
       {R"(")", R"(a"b)", R"("a b")", R"("x.exe")"}) {
    ExpectBad(WindowsCommandLine(program, {}), "program's name", "'\"'");
  }
}

std::string Repeat(size_t count, absl::string_view text) {
  std::string repeated;
  for (size_t i = 0; i < count; ++i) absl::StrAppend(&repeated, text);
  return repeated;
}

// `fits` may be the arguments of "p", `fits` with one more character may not.
void ExpectLongest(const Argv& fits) {
  EXPECT_FALSE(Line("p", fits).empty());
  Argv longer = fits;
  longer.back().append("x");
  ExpectBad(WindowsCommandLine("p", longer), "has 32768 UTF-16",
            "at most 32767: pass the arguments in a file");
}

// "p " leaves 32,764 code units for the rest, less the final NUL.
TEST(WindowsCommandLineTest, LongestLineIsThatOfCreateProcess) {
  EXPECT_EQ(Line("p", {Repeat(32764, "x")}).size(), 32766u);
  ExpectLongest({Repeat(32764, "x")});
  ExpectLongest({Repeat(16000, "x"), Repeat(16763, "x")});
}

TEST(WindowsCommandLineTest, LengthCountsTheProgram) {
  EXPECT_EQ(Line(Repeat(32766, "x"), {}).size(), 32766u);
  ExpectBad(WindowsCommandLine(Repeat(32767, "x"), {}), "32768", "32767");
}

TEST(WindowsCommandLineTest, LengthCountsQuotesAndEscapes) {
  ExpectLongest({Repeat(32760, "x") + " y"});
  ExpectLongest({Repeat(16381, "\"")});
  ExpectLongest({Repeat(32760, "x") + "\\ "});
}

TEST(WindowsCommandLineTest, LengthIsThatInUtf16) {
  ExpectLongest({Repeat(32764, "\xC3\xA9")});
  ExpectLongest({Repeat(32764, "\xE4\xB8\x96")});
  ExpectLongest({Repeat(32764, "\xEF\xBF\xBD")});
  ExpectLongest({Repeat(16382, "\xF0\x9F\x98\x80")});
  ExpectLongest({Repeat(16381, "\xF4\x8F\xBF\xBF") + "xx"});
}

// Every reader gives `program` and `arguments` back.
void ExpectRoundTrip(const std::string& program, const Argv& arguments) {
  const std::string line = Line(program, arguments);
  Argv argv = {program};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  static const auto* const readers = new std::vector<Reader>(Readers());
  for (const Reader& reader : *readers) {
    ASSERT_EQ(reader.read(line), argv)
        << reader.name << ", of [" << line << "]";
  }
}

// All strings of up to `length` characters of `alphabet`.
std::vector<std::string> AllStrings(size_t length, absl::string_view alphabet) {
  std::vector<std::string> all = {""};
  size_t begin = 0;
  for (size_t i = 0; i < length; ++i) {
    const size_t end = all.size();
    for (; begin < end; ++begin) {
      for (const char c : alphabet) all.push_back(all[begin] + c);
    }
  }
  return all;
}

// An argument must not reach into its neighbours, with blanks or without.
TEST(WindowsCommandLineTest, EveryShortArgumentComesBack) {
  const std::vector<std::string> all = AllStrings(6, "a \"\\");
  ASSERT_EQ(all.size(), 5461u);
  for (const std::string& argument : all) {
    ExpectRoundTrip("x", {argument});
    ExpectRoundTrip("x", {argument, "b"});
    ExpectRoundTrip("x", {"b c", argument, argument, "b c"});
    if (HasFatalFailure()) return;
  }
}

TEST(WindowsCommandLineTest, EveryShortProgramComesBack) {
  for (const std::string& program : AllStrings(6, "a \t\\")) {
    ExpectRoundTrip(program, {"b c", "d"});
    if (HasFatalFailure()) return;
  }
}

// Up to 12 characters, most of them such as matter to a parser.
std::string RandomText(const std::vector<std::string>& alphabet,
                       std::mt19937_64* random) {
  std::string text;
  for (size_t left = (*random)() % 13; left > 0; --left) {
    text += alphabet[(*random)() % alphabet.size()];
  }
  return text;
}

TEST(WindowsCommandLineTest, RandomArgumentsComeBack) {
  constexpr uint64_t kSeed = 20240924;
  SCOPED_TRACE(absl::StrCat("std::mt19937_64 with seed ", kSeed));
  std::mt19937_64 random(kSeed);
  const std::vector<std::string> for_program = {
      "\\", "\\", " ", "\t", "\n", "\x01",     "a",
      "b",  "/",  ":", "'",  "^",  "\xC3\xA9", "\xF0\x9F\x98\x80"};
  std::vector<std::string> for_arguments = for_program;
  for_arguments.insert(for_arguments.end(),
                       {"\\", "\\", "\"", "\"", "\"", "\"", " ", "\t", "\v",
                        "\r", "%", "\xE4\xB8\x96"});
  for (int i = 0; i < 20000; ++i) {
    const std::string program = RandomText(for_program, &random);
    Argv arguments(random() % 6);
    for (std::string& argument : arguments) {
      argument = RandomText(for_arguments, &random);
    }
    ExpectRoundTrip(program, arguments);
    if (HasFatalFailure()) return;
  }
}

TEST(IsWindowsBatchFileTest, KnowsBatchFilesByTheirExtension) {
  for (const std::string program :
       {"x.bat", "x.cmd", "X.BAT", "x.Cmd", "x.bAt", ".bat", ".cmd", "x.y.bat",
        "x.exe.cmd", "my file.bat", "dir/x.bat", R"(C:\dir\x.cmd)", "C:x.bat",
        "dir.exe/x.bat", "./x.bat", "../x.bat", R"(\\?\C:\x.bat)",
        "\xC3\xA9.bat"}) {
    EXPECT_TRUE(IsWindowsBatchFile(program)) << program;
  }
}

TEST(IsWindowsBatchFileTest, SeesThroughDisguises) {
  for (const std::string program : {"x.bat.",
                                    "x.bat ",
                                    "x.bat. .",
                                    "x.bat ...  ",
                                    "X.CMD. ",
                                    "dir/x.cmd. ",
                                    "x.bat::$DATA",
                                    "x.cmd:foo",
                                    "x.cmd:foo:$DATA",
                                    "x.bat:foo.exe",
                                    "x.bat.:foo",
                                    "x.bat ::$DATA",
                                    "x.bat::$DATA. ",
                                    "C:x.bat:foo",
                                    "x.txt:y.bat",
                                    "x.txt:y.bat:$DATA",
                                    "x.txt:y.cmd. ",
                                    "x.bat/.",
                                    "x.bat/",
                                    R"(x.bat\.\)",
                                    "x.bat/y/..",
                                    R"(x.bat\y\.. )",
                                    R"(C:\x.bat\y\z\..\..)",
                                    "x.bat/y/../.",
                                    "x.bat/y/./..",
                                    "x.cmd:foo/."}) {
    EXPECT_TRUE(IsWindowsBatchFile(program)) << program;
  }
}

TEST(IsWindowsBatchFileTest, KnowsWhatIsNone) {
  for (const std::string program : {"",
                                    "x",
                                    "x.exe",
                                    "bat",
                                    "cmd",
                                    "cmd.exe",
                                    "xbat",
                                    "x.bat.exe",
                                    "x.cmd.com",
                                    "a.batx",
                                    "a.bat_",
                                    "a.ba",
                                    "a.bat.a",
                                    "a.b at",
                                    "dir.bat/x.exe",
                                    "dir.bat/x.exe/.",
                                    R"(dir.bat\x)",
                                    R"(C:\dir.cmd\x.exe)",
                                    "dir.bat/../x.exe",
                                    "dir.bat/./x.exe. ",
                                    "x.exe::$DATA",
                                    "C:x.exe",
                                    ".",
                                    "..",
                                    "/",
                                    " ",
                                    "x.b\xC3\xA9t"}) {
    EXPECT_FALSE(IsWindowsBatchFile(program)) << program;
  }
}

}  // namespace
}  // namespace multiproc
