#include "multiproc/benchmarks/json_line.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "multiproc/watch/json_text.h"

namespace multiproc {
namespace {

void AppendUtf8(uint32_t code_point, std::string* out) {
  if (code_point < 0x80) {
    out->push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (code_point >> 6)));
    out->push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xE0 | (code_point >> 12)));
    out->push_back(static_cast<char>(0x80 | ((code_point >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
  }
}

// Recursive descent; each method takes what it recognizes off the front, and
// returns false where that is something else.
class Parser {
 public:
  explicit Parser(absl::string_view line) : line_(line) {}

  absl::StatusOr<JsonFields> Parse() {
    if (!Object("") || (SkipSpace(), at_ != line_.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("no JSON line: unexpected at byte ", at_));
    }
    return std::move(fields_);
  }

 private:
  bool Object(const std::string& prefix) {
    if (!Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string name;
      if (!Text(&name) || !Take(':') || !Value(prefix + name)) return false;
    } while (Take(','));
    return Take('}');
  }

  bool Value(const std::string& name) {
    SkipSpace();
    if (at_ == line_.size()) return false;
    if (line_[at_] == '{') return Object(name + ".");
    if (line_[at_] == '"') return Text(&fields_[name]);
    return Bare(&fields_[name]);
  }

  // A number, true, false or null.
  bool Bare(std::string* out) {
    const size_t begin = at_;
    while (at_ < line_.size() &&
           (absl::ascii_isalnum(static_cast<unsigned char>(line_[at_])) ||
            line_[at_] == '.' || line_[at_] == '+' || line_[at_] == '-')) {
      ++at_;
    }
    *out = std::string(line_.substr(begin, at_ - begin));
    return at_ > begin;
  }

  bool Text(std::string* out) {
    if (!Take('"')) return false;
    for (; at_ < line_.size() && line_[at_] != '"'; ++at_) {
      if (line_[at_] != '\\') {
        out->push_back(line_[at_]);
      } else if (!Escape(out)) {
        return false;
      }
    }
    return at_ < line_.size() && line_[at_++] == '"';
  }

  // From the backslash to the last character of the escape.
  bool Escape(std::string* out) {
    if (++at_ == line_.size()) return false;
    static constexpr absl::string_view kShort = "\"\\/bfnrt";
    static constexpr absl::string_view kMeaning = "\"\\/\b\f\n\r\t";
    const size_t found = kShort.find(line_[at_]);
    if (found != absl::string_view::npos) {
      out->push_back(kMeaning[found]);
      return true;
    }
    uint32_t code_point = 0;
    if (line_[at_] != 'u' ||
        !absl::SimpleHexAtoi(line_.substr(at_ + 1, 4), &code_point)) {
      return false;
    }
    AppendUtf8(code_point, out);
    at_ += 4;
    return true;
  }

  bool Take(char wanted) {
    SkipSpace();
    if (at_ == line_.size() || line_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void SkipSpace() {
    while (at_ < line_.size() &&
           absl::ascii_isspace(static_cast<unsigned char>(line_[at_]))) {
      ++at_;
    }
  }

  const absl::string_view line_;
  size_t at_ = 0;
  JsonFields fields_;
};

bool IsBareInJson(absl::string_view text) {
  double number = 0;
  if (text == "true" || text == "false") return true;
  const bool has_digit_or_sign =
      !text.empty() && (absl::ascii_isdigit(text[0]) || text[0] == '-');
  return has_digit_or_sign && absl::SimpleAtod(text, &number);
}

}  // namespace

absl::StatusOr<JsonFields> ParseJsonLine(absl::string_view line) {
  return Parser(line).Parse();
}

std::string JsonQuote(absl::string_view text) { return JsonText(text); }

std::string JsonValue(absl::string_view text) {
  return IsBareInJson(text) ? std::string(text) : JsonQuote(text);
}

}  // namespace multiproc
