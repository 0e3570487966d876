#include "multiproc/benchmarks/quantity.h"

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace multiproc {
namespace {

struct Scale {
  absl::string_view unit;
  double from;  // The smallest value, of that unit, to be divided.
  double divisor;
  absl::string_view larger_unit;
};

// From the largest to the smallest, for each unit.
constexpr Scale kScales[] = {
    {"1/s", 999.5e3, 1e6, "M/s"}, {"1/s", 1e4, 1e3, "k/s"},
    {"1/s", 0, 1, "/s"},          {"us", 999.5e3, 1e6, "s"},
    {"us", 999.5, 1e3, "ms"},     {"ms", 999.5, 1e3, "s"},
    {"MB/s", 999.5, 1e3, "GB/s"}, {"1", 0, 1, ""},
};

std::string ThreeDigits(double value) {
  const double magnitude = std::abs(value);
  if (magnitude >= 999.5) return absl::StrFormat("%.0f", value);
  if (magnitude >= 1) return absl::StrFormat("%.3g", value);
  return absl::StrFormat("%.2g", value);
}

std::string WithUnit(double value, absl::string_view unit) {
  return unit.empty() ? ThreeDigits(value)
                      : absl::StrCat(ThreeDigits(value), " ", unit);
}

std::string WithCommas(int64_t number) {
  std::string digits = absl::StrCat(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

}  // namespace

std::string FormatQuantity(double value, absl::string_view unit) {
  for (const Scale& scale : kScales) {
    if (scale.unit == unit && value >= scale.from) {
      return WithUnit(value / scale.divisor, scale.larger_unit);
    }
  }
  return WithUnit(value, unit);
}

std::string FormatRatio(double ratio) {
  if (ratio >= 999.5) return WithCommas(std::llround(ratio));
  return ThreeDigits(ratio);
}

}  // namespace multiproc
