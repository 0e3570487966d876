// The JSON of the figures: one line holds one object whose values are text,
// numbers and booleans, and objects of these. No lists.
//
//   JsonFields fields =
//       *ParseJsonLine(R"({"who":"multiproc","p":{"size":64}})");
//   fields["p.size"];  // "64"
//
// Stateless, and so thread-safe.

#ifndef MULTIPROC_BENCHMARKS_JSON_LINE_H_
#define MULTIPROC_BENCHMARKS_JSON_LINE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multiproc {

// The values, as they stand in the line but without quotes, by their names; one
// in an object within is "outer.inner".
using JsonFields = std::map<std::string, std::string>;

// INVALID_ARGUMENT, with the place, for anything else than such a line.
absl::StatusOr<JsonFields> ParseJsonLine(absl::string_view line);

// `text` in quotes, escaped.
std::string JsonQuote(absl::string_view text);

// A value as it stands in JSON: numbers, true and false bare, all else quoted.
std::string JsonValue(absl::string_view text);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_JSON_LINE_H_
