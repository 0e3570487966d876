// A strict reader of JSON (RFC 8259), to read back what is written.
//
//   const std::optional<JsonValue> trace = ParseJson(text);
//   trace->items[0].Find("name")->text;
//
// Thread-safe: pure functions.

#ifndef MULTIPROC_TESTS_JSON_VALUE_H_
#define MULTIPROC_TESTS_JSON_VALUE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace multiproc {

struct JsonValue {
  enum class Kind { kNull, kBool, kNumber, kText, kArray, kObject };
  Kind kind = Kind::kNull;
  // Of a number and of true and false: as it is written; of text: what it says.
  std::string text;
  std::vector<JsonValue> items;
  std::vector<std::pair<std::string, JsonValue>> members;

  // Null if there is no such member.
  const JsonValue* Find(absl::string_view name) const;
  // The text of the member, or "".
  std::string Text(absl::string_view name) const;
  // All of it again, without spaces.
  std::string ToString() const;
};

// nullopt if `text` is not one value of JSON.
std::optional<JsonValue> ParseJson(absl::string_view text);

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_JSON_VALUE_H_
