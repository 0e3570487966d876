#include "tests/json_value.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace multiproc {
namespace {

class Reader {
 public:
  explicit Reader(absl::string_view text) : rest_(text) {}

  bool ReadValue(JsonValue* value) {
    SkipSpace();
    if (Take("{")) return ReadObject(value);
    if (Take("[")) return ReadArray(value);
    if (absl::StartsWith(rest_, "\"")) {
      value->kind = JsonValue::Kind::kText;
      return ReadText(&value->text);
    }
    for (const absl::string_view word : {"true", "false", "null"}) {
      if (!Take(word)) continue;
      value->kind =
          word == "null" ? JsonValue::Kind::kNull : JsonValue::Kind::kBool;
      value->text = std::string(word);
      return true;
    }
    return ReadNumber(value);
  }

  bool AtEnd() {
    SkipSpace();
    return rest_.empty();
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && absl::string_view(" \n\r\t").find(rest_[0]) !=
                                 absl::string_view::npos) {
      rest_.remove_prefix(1);
    }
  }

  bool Take(absl::string_view token) {
    return absl::ConsumePrefix(&rest_, token);
  }

  bool ReadArray(JsonValue* value) {
    value->kind = JsonValue::Kind::kArray;
    SkipSpace();
    if (Take("]")) return true;
    do {
      value->items.emplace_back();
      if (!ReadValue(&value->items.back())) return false;
      SkipSpace();
    } while (Take(","));
    return Take("]");
  }

  bool ReadObject(JsonValue* value) {
    value->kind = JsonValue::Kind::kObject;
    SkipSpace();
    if (Take("}")) return true;
    do {
      value->members.emplace_back();
      SkipSpace();
      if (!ReadText(&value->members.back().first)) return false;
      SkipSpace();
      if (!Take(":") || !ReadValue(&value->members.back().second)) return false;
      SkipSpace();
    } while (Take(","));
    return Take("}");
  }

  bool ReadText(std::string* text) {
    if (!Take("\"")) return false;
    while (!rest_.empty() && rest_[0] != '"') {
      if (static_cast<unsigned char>(rest_[0]) < 0x20) return false;
      if (Take("\\")) {
        if (!ReadEscape(text)) return false;
      } else {
        *text += rest_[0];
        rest_.remove_prefix(1);
      }
    }
    return Take("\"");
  }

  // Of \u only what is ASCII, which is all that is written here.
  bool ReadEscape(std::string* text) {
    if (Take("n")) {
      *text += '\n';
    } else if (Take("u")) {
      uint32_t code = 0;
      if (rest_.size() < 4 || !absl::SimpleHexAtoi(rest_.substr(0, 4), &code) ||
          code > 0x7F) {
        return false;
      }
      *text += static_cast<char>(code);
      rest_.remove_prefix(4);
    } else if (absl::StartsWith(rest_, "\"") || absl::StartsWith(rest_, "\\")) {
      *text += rest_[0];
      rest_.remove_prefix(1);
    } else {
      return false;
    }
    return true;
  }

  bool ReadNumber(JsonValue* value) {
    value->kind = JsonValue::Kind::kNumber;
    size_t size = 0;
    while (size < rest_.size() &&
           (absl::ascii_isalnum(static_cast<unsigned char>(rest_[size])) ||
            absl::string_view("+-.").find(rest_[size]) !=
                absl::string_view::npos)) {
      ++size;
    }
    value->text = std::string(rest_.substr(0, size));
    rest_.remove_prefix(size);
    double number = 0;
    return size > 0 && !absl::StartsWith(value->text, "+") &&
           absl::ascii_isdigit(
               static_cast<unsigned char>(value->text.back())) &&
           absl::SimpleAtod(value->text, &number);
  }

  absl::string_view rest_;
};

}  // namespace

const JsonValue* JsonValue::Find(absl::string_view name) const {
  for (const auto& [key, value] : members) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string JsonValue::Text(absl::string_view name) const {
  const JsonValue* const member = Find(name);
  return member == nullptr ? "" : member->text;
}

std::string JsonValue::ToString() const {
  std::string all;
  if (kind == Kind::kArray) {
    for (const JsonValue& item : items) {
      absl::StrAppend(&all, all.empty() ? "" : ",", item.ToString());
    }
    return absl::StrCat("[", all, "]");
  }
  if (kind == Kind::kObject) {
    for (const auto& [name, value] : members) {
      absl::StrAppend(&all, all.empty() ? "" : ",", name, ":",
                      value.ToString());
    }
    return absl::StrCat("{", all, "}");
  }
  return kind == Kind::kText ? absl::StrCat("'", text, "'") : text;
}

std::optional<JsonValue> ParseJson(absl::string_view text) {
  Reader reader(text);
  JsonValue value;
  if (!reader.ReadValue(&value) || !reader.AtEnd()) return std::nullopt;
  return value;
}

}  // namespace multiproc
