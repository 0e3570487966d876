#include "multiproc/functions/task_status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/text_format.h"

namespace multiproc {
namespace {

constexpr absl::string_view kTaskErrorUrl = "multiproc/task_error";
// The payload before the pool says more.
constexpr absl::string_view kNoSource = "1";
constexpr absl::string_view kTaskFailureUrl = "multiproc/multiproc.TaskFailure";

bool IsKnownError(int code) {
  return code > static_cast<int>(absl::StatusCode::kOk) &&
         code <= static_cast<int>(absl::StatusCode::kUnauthenticated);
}

// As text: absl::Status::ToString prints payloads as they are.
absl::Cord ToPayload(const TaskFailure& failure) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(failure, &text);
  return absl::Cord(text);
}

std::optional<TaskFailure> FindPayload(absl::string_view url,
                                       const absl::Status& status) {
  const auto payload = status.GetPayload(url);
  TaskFailure failure;
  if (!payload.has_value() || *payload == kNoSource ||
      !google::protobuf::TextFormat::ParseFromString(std::string(*payload),
                                                     &failure)) {
    return std::nullopt;
  }
  return failure;
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
  status->SetPayload(kTaskErrorUrl, absl::Cord(kNoSource));
}

bool IsTaskError(const absl::Status& status) {
  return status.GetPayload(kTaskErrorUrl).has_value();
}

void SetTaskErrorSource(const TaskFailure& source, absl::Status* status) {
  status->SetPayload(kTaskErrorUrl, ToPayload(source));
}

std::optional<TaskFailure> GetTaskErrorSource(const absl::Status& status) {
  return FindPayload(kTaskErrorUrl, status);
}

void SetTaskFailure(const TaskFailure& failure, absl::Status* status) {
  status->SetPayload(kTaskFailureUrl, ToPayload(failure));
}

std::optional<TaskFailure> GetTaskFailure(const absl::Status& status) {
  // A task may return what became of a task of its own.
  if (IsTaskError(status)) return std::nullopt;
  return FindPayload(kTaskFailureUrl, status);
}

}  // namespace multiproc
