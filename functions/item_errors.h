// What becomes of each of several calls that are made by one request: the
// results of those that succeeded, in a row, and behind them the errors of the
// others, each with its place.
//
//   results = "<result 0><result 1><result 3>";
//   AppendItemErrors({{2, absl::NotFoundError("no such file")}}, &results);
//   ...
//   absl::string_view rest = results;
//   std::vector<ItemError> errors;
//   if (TakeItemErrors(&rest, &errors)) { ... rest is what it was before ... }
//
// Errors stand at the end, as most rows have none: four bytes say so.
//
// Thread-safe: pure functions.

#ifndef MULTIPROC_FUNCTIONS_ITEM_ERRORS_H_
#define MULTIPROC_FUNCTIONS_ITEM_ERRORS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace multiproc {

struct ItemError {
  // Of the call in its row, from 0.
  uint64_t index = 0;
  // Not OK.
  absl::Status status;
};

// Appends `errors`, in the order of their places, to `*results`.
void AppendItemErrors(const std::vector<ItemError>& errors,
                      std::string* results);

// Takes them off the end again, by rising places; how many calls there were is
// for the caller to compare with. False if the bytes are malformed.
bool TakeItemErrors(absl::string_view* results, std::vector<ItemError>* errors);

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_ITEM_ERRORS_H_
