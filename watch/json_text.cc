#include "multiproc/watch/json_text.h"

#include <optional>

#include "absl/strings/str_format.h"
#include "multiproc/watch/utf8.h"

namespace multiproc {
namespace {

void AppendCharacter(char32_t c, absl::string_view bytes, std::string* json) {
  if (c == '"' || c == '\\') {
    *json += '\\';
    json->append(bytes.data(), bytes.size());
  } else if (c == '\n') {
    *json += "\\n";
  } else if (c < 0x20) {
    absl::StrAppendFormat(json, "\\u%04x", static_cast<unsigned>(c));
  } else {
    json->append(bytes.data(), bytes.size());
  }
}

}  // namespace

std::string JsonText(absl::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const absl::string_view before = text;
    const std::optional<char32_t> c = TakeCharacter(&text);
    if (c.has_value()) {
      AppendCharacter(*c, before.substr(0, before.size() - text.size()), &json);
    } else {
      json += "\xEF\xBF\xBD";
    }
  }
  return json + '"';
}

}  // namespace multiproc
