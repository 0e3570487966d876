#include "multiproc/functions/status_codec.h"

#include "multiproc/functions/task_status.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

void Codec<absl::Status>::Encode(const absl::Status& value, Encoder& out) {
  out.Put(value.ok());
  if (!value.ok()) out.PutProto(StatusToProto(value));
}

bool Codec<absl::Status>::Decode(Decoder& in, absl::Status* value) {
  bool ok = false;
  if (!in.Get(&ok)) return false;
  *value = absl::OkStatus();
  if (ok) return true;
  StatusProto proto;
  if (!in.GetProto(&proto)) return false;
  *value = StatusFromProto(proto);
  return true;
}

}  // namespace multiproc
