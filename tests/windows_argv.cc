#include "tests/windows_argv.h"

#include <cstddef>

namespace multiproc {
namespace {

class Parser {
 public:
  Parser(WindowsArgvRules rules, absl::string_view line)
      : rules_(rules), rest_(line) {}

  Argv Parse() {
    Argv argv = {rules_ == WindowsArgvRules::kCRuntime ? TakeProgramOfCRuntime()
                                                       : TakeProgram()};
    for (SkipBlanks(); !rest_.empty(); SkipBlanks()) {
      argv.push_back(TakeArgument());
    }
    return argv;
  }

 private:
  bool AtBlank() const {
    return !rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t');
  }
  bool AtQuote() const { return !rest_.empty() && rest_.front() == '"'; }

  char Take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void SkipBlanks() {
    while (AtBlank()) Take();
  }

  // A name that begins with a quote ends at the next one, any other at the
  // first character up to the space (as is known of it, but not documented).
  std::string TakeProgram() {
    const bool quoted = AtQuote();
    if (quoted) Take();
    std::string program;
    while (!rest_.empty()) {
      const char c = Take();
      const bool blank = static_cast<unsigned char>(c) <= ' ';
      if (quoted ? c == '"' : blank) break;
      program.push_back(c);
    }
    return program;
  }

  // Quotes vanish; those of a pair keep the blanks between them.
  std::string TakeProgramOfCRuntime() {
    std::string program;
    bool in_quotes = false;
    while (!rest_.empty() && (in_quotes || !AtBlank())) {
      const char c = Take();
      if (c == '"') {
        in_quotes = !in_quotes;
      } else {
        program.push_back(c);
      }
    }
    return program;
  }

  std::string TakeArgument() {
    std::string argument;
    bool in_quotes = false;
    while (!rest_.empty() && (in_quotes || !AtBlank())) {
      const size_t backslashes = TakeBackslashes();
      if (AtQuote()) {
        in_quotes = TakeQuote(backslashes, in_quotes, &argument);
      } else if (backslashes > 0) {
        argument.append(backslashes, '\\');
      } else {
        argument.push_back(Take());
      }
    }
    return argument;
  }

  size_t TakeBackslashes() {
    size_t count = 0;
    while (!rest_.empty() && rest_.front() == '\\') {
      Take();
      ++count;
    }
    return count;
  }

  // A quote with the backslashes before it. Returns whether it leads into
  // quotes, or leaves the reader there.
  bool TakeQuote(size_t backslashes, bool in_quotes, std::string* argument) {
    argument->append(backslashes / 2, '\\');
    const char quote = Take();
    const bool escaped = backslashes % 2 == 1;
    const bool pair = !escaped && in_quotes && AtQuote();
    if (pair) Take();
    if (escaped || pair) argument->push_back(quote);
    if (escaped) return in_quotes;
    return pair ? rules_ == WindowsArgvRules::kCRuntime : !in_quotes;
  }

  const WindowsArgvRules rules_;
  absl::string_view rest_;
};

}  // namespace

Argv ReadWindowsArgv(WindowsArgvRules rules, absl::string_view line) {
  return Parser(rules, line).Parse();
}

}  // namespace multiproc
