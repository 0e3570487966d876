// Packs absl::Status and absl::StatusOr<T> as values, with all their payloads,
// so that a function may take or return, say, a
// std::vector<absl::StatusOr<int>>. (The status that a function itself returns
// needs no Codec.)

#ifndef MULTIPROC_FUNCTIONS_STATUS_CODEC_H_
#define MULTIPROC_FUNCTIONS_STATUS_CODEC_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "multiproc/functions/codec.h"

namespace multiproc {

template <>
struct Codec<absl::Status> {
  static std::string TypeName() { return "status"; }
  static void Encode(const absl::Status& value, Encoder& out);
  static bool Decode(Decoder& in, absl::Status* value);
};

// Its status, and the T of one that is OK.
template <typename T>
struct Codec<absl::StatusOr<T>> {
  static std::string TypeName() {
    return absl::StrCat("status_or<", Codec<T>::TypeName(), ">");
  }
  static void Encode(const absl::StatusOr<T>& value, Encoder& out) {
    out.Put(value.status());
    if (value.ok()) out.Put(*value);
  }
  static bool Decode(Decoder& in, absl::StatusOr<T>* value) {
    absl::Status status;
    if (!in.Get(&status)) return false;
    if (!status.ok()) {
      *value = std::move(status);
      return true;
    }
    T decoded{};
    if (!in.Get(&decoded)) return false;
    *value = std::move(decoded);
    return true;
  }
};

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_STATUS_CODEC_H_
