#include "multiproc/functions/item_errors.h"

#include <cstddef>
#include <utility>

#include "multiproc/functions/codec.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {
namespace {

// Of the length of the errors, which is the last there is.
constexpr size_t kLengthSize = 4;

}  // namespace

void AppendItemErrors(const std::vector<ItemError>& errors,
                      std::string* results) {
  const size_t start = results->size();
  Encoder encoder(results);
  for (const ItemError& error : errors) {
    encoder.PutVarint(error.index);
    encoder.PutProto(StatusToProto(error.status));
  }
  encoder.PutFixed(results->size() - start, kLengthSize);
}

bool TakeItemErrors(absl::string_view* results,
                    std::vector<ItemError>* errors) {
  errors->clear();
  if (results->size() < kLengthSize) return false;
  const size_t end = results->size() - kLengthSize;
  uint64_t length = 0;
  Decoder(results->substr(end)).GetFixed(kLengthSize, &length);
  if (length > end) return false;
  Decoder decoder(results->substr(end - length, length));
  while (decoder.remaining() > 0) {
    ItemError error;
    StatusProto status;
    if (!decoder.GetVarint(&error.index)) return false;
    if (!errors->empty() && error.index <= errors->back().index) return false;
    if (!decoder.GetProto(&status)) return false;
    error.status = StatusFromProto(status);
    // Nobody knows more of it than that, whatever stands there.
    if (IsTaskError(error.status)) MarkTaskError(&error.status);
    errors->push_back(std::move(error));
  }
  results->remove_suffix(length + kLengthSize);
  return true;
}

}  // namespace multiproc
