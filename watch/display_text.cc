#include "multiproc/watch/display_text.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "multiproc/watch/utf8.h"

namespace multiproc {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

constexpr Range kWide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},
    {0x2614, 0x2615},   {0x26A1, 0x26A1},   {0x2705, 0x2705},
    {0x274C, 0x274C},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
    {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
    {0x20000, 0x3FFFD},
};

constexpr Range kCombining[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},   {0x0610, 0x061A},
    {0x064B, 0x065F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},   {0x200B, 0x200F},
    {0x2028, 0x202E}, {0x2060, 0x206F}, {0x20D0, 0x20FF},   {0xFE00, 0xFE0F},
    {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};

template <size_t kSize>
bool IsIn(const Range (&ranges)[kSize], char32_t c) {
  return std::any_of(std::begin(ranges), std::end(ranges), [c](Range range) {
    return range.first <= c && c <= range.last;
  });
}

// U+0080 to U+009F are control characters, too, and some terminals obey them.
bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

size_t ColumnsOf(char32_t c) {
  if (IsIn(kCombining, c)) return 0;
  return IsIn(kWide, c) ? 2 : 1;
}

}  // namespace

std::string DisplayText(absl::string_view text, size_t columns, bool utf8) {
  std::string shown;
  while (!text.empty()) {
    const absl::string_view before = text;
    const std::optional<char32_t> c = TakeCharacter(&text);
    const bool as_it_is =
        c.has_value() && !IsControl(*c) && (utf8 || *c < 0x80);
    const size_t width = as_it_is ? ColumnsOf(*c) : 1;
    if (width > columns) break;
    columns -= width;
    const absl::string_view character =
        before.substr(0, before.size() - text.size());
    shown.append(as_it_is ? std::string(character) : "?");
  }
  return shown;
}

size_t CountColumns(absl::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const std::optional<char32_t> c = TakeCharacter(&text);
    columns += c.has_value() ? ColumnsOf(*c) : 1;
  }
  return columns;
}

}  // namespace multiproc
