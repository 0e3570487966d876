#include "multiproc/functions/task_status.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {
namespace {

// As it goes from process to process.
absl::Status Sent(const absl::Status& status) {
  StatusProto received;
  EXPECT_TRUE(
      received.ParseFromString(StatusToProto(status).SerializeAsString()));
  return StatusFromProto(received);
}

TEST(TaskStatusTest, EveryErrorCodeSurvives) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    EXPECT_EQ(Sent(status), status);
  }
}

TEST(TaskStatusTest, PayloadsSurvive) {
  absl::Status status = absl::DataLossError("lost");
  status.SetPayload("example.com/a", absl::Cord("1"));
  status.SetPayload("example.com/b", absl::Cord(std::string("\0\xff", 2)));
  const absl::Status sent = Sent(status);
  EXPECT_EQ(sent, status);
  EXPECT_EQ(sent.GetPayload("example.com/b"), std::string("\0\xff", 2));
}

TEST(TaskStatusTest, EmptyPayloadSurvives) {
  absl::Status status = absl::DataLossError("lost");
  status.SetPayload("example.com/empty", absl::Cord());
  const auto payload = Sent(status).GetPayload("example.com/empty");
  ASSERT_TRUE(payload.has_value());
  // Comparing empty Cords passes null to memcmp in some releases of absl.
  EXPECT_TRUE(payload->empty());
}

TEST(TaskStatusTest, TextThatIsNoUtf8Survives) {
  absl::Status status = absl::InternalError(std::string("\xff\0\xfe", 3));
  status.SetPayload("\xf0 url", absl::Cord("\xfd"));
  EXPECT_EQ(Sent(status), status);
}

TEST(TaskStatusTest, OkWhereAnErrorIsDueBecomesUnknown) {
  StatusProto proto;
  proto.set_message("a text");
  EXPECT_EQ(StatusFromProto(proto), absl::UnknownError("a text"));
  EXPECT_TRUE(absl::IsUnknown(Sent(absl::OkStatus())));
}

TEST(TaskStatusTest, UnknownCodesBecomeUnknown) {
  for (const int code : {17, 1000, -1, 2147483647, -2147483647 - 1}) {
    StatusProto proto;
    proto.set_code(code);
    proto.set_message("a text");
    EXPECT_EQ(StatusFromProto(proto), absl::UnknownError("a text")) << code;
  }
}

TEST(TaskStatusTest, MarkOfTheTasksOwnErrorSurvives) {
  absl::Status status = absl::NotFoundError("no such file");
  EXPECT_FALSE(IsTaskError(status));
  MarkTaskError(&status);
  EXPECT_TRUE(IsTaskError(status));
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "no such file");
  EXPECT_TRUE(IsTaskError(Sent(status)));
}

TEST(TaskStatusTest, TheSourceOfATasksOwnErrorSurvives) {
  absl::Status status = absl::NotFoundError("no such file");
  EXPECT_EQ(GetTaskErrorSource(status), std::nullopt);
  MarkTaskError(&status);
  EXPECT_EQ(GetTaskErrorSource(status), std::nullopt) << "nobody has said it";
  TaskFailure source;
  source.set_task_id(7);
  source.set_label("May");
  SetTaskErrorSource(source, &status);
  EXPECT_TRUE(IsTaskError(Sent(status)));
  const std::optional<TaskFailure> found = GetTaskErrorSource(Sent(status));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->task_id(), 7u);
  EXPECT_EQ(found->label(), "May");
  EXPECT_EQ(GetTaskFailure(status), std::nullopt);
}

TEST(TaskStatusTest, OkIsNoTaskError) {
  absl::Status status;
  MarkTaskError(&status);
  EXPECT_TRUE(status.ok());
  EXPECT_FALSE(IsTaskError(status));
}

TEST(TaskStatusTest, TaskFailureSurvives) {
  TaskFailure failure;
  failure.set_task_id(7);
  failure.set_function("Render");
  failure.set_worker_pid(1234);
  failure.set_attempt(2);
  failure.set_signal(9);
  absl::Status status = absl::UnavailableError("its worker died");
  EXPECT_FALSE(GetTaskFailure(status).has_value());
  SetTaskFailure(failure, &status);

  const std::optional<TaskFailure> found = GetTaskFailure(Sent(status));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->task_id(), 7u);
  EXPECT_EQ(found->function(), "Render");
  EXPECT_EQ(found->worker_pid(), 1234);
  EXPECT_EQ(found->attempt(), 2);
  EXPECT_EQ(found->signal(), 9);
  EXPECT_FALSE(found->has_exit_code());
  EXPECT_FALSE(IsTaskError(status)) << "the two marks were mixed up";
}

TEST(TaskStatusTest, MalformedTaskFailureIsNone) {
  absl::Status status = absl::UnavailableError("its worker died");
  SetTaskFailure(TaskFailure(), &status);
  ASSERT_TRUE(GetTaskFailure(status).has_value());
  std::string url;
  status.ForEachPayload([&url](absl::string_view type_url, const absl::Cord&) {
    url = std::string(type_url);
  });
  status.SetPayload(url, absl::Cord("\xff\xff"));
  EXPECT_FALSE(GetTaskFailure(status).has_value());
}

}  // namespace
}  // namespace multiproc
