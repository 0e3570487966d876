#include "multiproc/pool/item_index.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multiproc {
namespace {

constexpr absl::string_view kItemIndexUrl = "multiproc/item_index";

}  // namespace

std::optional<uint64_t> GetItemIndex(const absl::Status& status) {
  const std::optional<absl::Cord> payload = status.GetPayload(kItemIndexUrl);
  uint64_t index = 0;
  if (!payload.has_value() ||
      !absl::SimpleAtoi(std::string(*payload), &index)) {
    return std::nullopt;
  }
  return index;
}

// As text: absl::Status::ToString prints payloads as they are.
void SetItemIndex(uint64_t index, absl::Status* status) {
  status->SetPayload(kItemIndexUrl, absl::Cord(absl::StrCat(index)));
}

}  // namespace multiproc
