#include "multiproc/functions/task_status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/text_format.h"

namespace multiproc {
namespace {

constexpr absl::string_view kTaskErrorUrl = "multiproc/task_error";
constexpr absl::string_view kTaskFailureUrl = "multiproc/multiproc.TaskFailure";

bool IsKnownError(int code) {
  return code > static_cast<int>(absl::StatusCode::kOk) &&
         code <= static_cast<int>(absl::StatusCode::kUnauthenticated);
}

}  // namespace

StatusProto StatusToProto(const absl::Status& status) {
  StatusProto proto;
  proto.set_code(static_cast<int>(status.code()));
  proto.set_message(std::string(status.message()));
  status.ForEachPayload(
      [&proto](absl::string_view type_url, const absl::Cord& value) {
        StatusProto::Payload* payload = proto.add_payloads();
        payload->set_type_url(std::string(type_url));
        payload->set_value(std::string(value));
      });
  return proto;
}

absl::Status StatusFromProto(const StatusProto& proto) {
  absl::Status status(IsKnownError(proto.code())
                          ? static_cast<absl::StatusCode>(proto.code())
                          : absl::StatusCode::kUnknown,
                      proto.message());
  for (const StatusProto::Payload& payload : proto.payloads()) {
    status.SetPayload(payload.type_url(), absl::Cord(payload.value()));
  }
  return status;
}

void MarkTaskError(absl::Status* status) {
  status->SetPayload(kTaskErrorUrl, absl::Cord("1"));
}

bool IsTaskError(const absl::Status& status) {
  return status.GetPayload(kTaskErrorUrl).has_value();
}

// As text: absl::Status::ToString prints payloads as they are.
void SetTaskFailure(const TaskFailure& failure, absl::Status* status) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(failure, &text);
  status->SetPayload(kTaskFailureUrl, absl::Cord(text));
}

std::optional<TaskFailure> GetTaskFailure(const absl::Status& status) {
  // A task may return what became of a task of its own.
  if (IsTaskError(status)) return std::nullopt;
  const auto payload = status.GetPayload(kTaskFailureUrl);
  TaskFailure failure;
  if (!payload.has_value() || !google::protobuf::TextFormat::ParseFromString(
                                  std::string(*payload), &failure)) {
    return std::nullopt;
  }
  return failure;
}

}  // namespace multiproc
