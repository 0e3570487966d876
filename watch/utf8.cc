#include "multiproc/watch/utf8.h"

#include <cstddef>

namespace multiproc {
namespace {

// How many bytes follow a first one, its own bits, and the least code point
// that needs so many.
struct Lead {
  size_t following;
  char32_t bits;
  char32_t least;
};

std::optional<Lead> LeadOf(unsigned char byte) {
  if (byte < 0x80) return Lead{0, byte, 0};
  if ((byte & 0xE0) == 0xC0) return Lead{1, char32_t(byte & 0x1F), 0x80};
  if ((byte & 0xF0) == 0xE0) return Lead{2, char32_t(byte & 0x0F), 0x800};
  if ((byte & 0xF8) == 0xF0) return Lead{3, char32_t(byte & 0x07), 0x10000};
  return std::nullopt;
}

}  // namespace

std::optional<char32_t> TakeCharacter(absl::string_view* text) {
  const absl::string_view all = *text;
  text->remove_prefix(1);
  const std::optional<Lead> lead = LeadOf(static_cast<unsigned char>(all[0]));
  if (!lead.has_value() || lead->following > text->size()) return std::nullopt;
  char32_t c = lead->bits;
  for (size_t i = 1; i <= lead->following; ++i) {
    const auto byte = static_cast<unsigned char>(all[i]);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    c = (c << 6) | (byte & 0x3F);
  }
  if (c < lead->least || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) {
    return std::nullopt;
  }
  text->remove_prefix(lead->following);
  return c;
}

}  // namespace multiproc
