// What a child makes of the bytes that its environment leads it to, before it
// acts on them: whether they are a call or a program, and whether this program
// knows the call.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/function_child.h"
#include "multiproc/functions/function.h"
#include "multiproc/proto/task.pb.h"
#include "tests/fuzz/fuzz_input.h"

namespace multiproc {
namespace {

int64_t Add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) +
                              static_cast<uint64_t>(b));
}
MULTIPROC_FUNCTION(Add);

// Only what says what to do is one, and it says it again when it is sent on.
void CheckStart(const ChildStart& start) {
  FUZZ_CHECK(!start.call().function().empty() || start.has_program());
  const std::string sent = start.SerializeAsString();
  const std::optional<ChildStart> again = ParseChildStart(sent);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(again->SerializeAsString() == sent);
}

// Add has one signature, and one more for rows that go on.
void CheckItsCall(const FunctionCall& call) {
  const absl::Status status = CheckCall(call);
  if (call.function() != "Add") {
    FUZZ_CHECK(absl::IsNotFound(status));
    return;
  }
  FUZZ_CHECK(status.ok() || absl::IsInvalidArgument(status));
  std::string result;
  bool own_error = true;
  const absl::Status run = RunCall(call, &result, &own_error);
  FUZZ_CHECK(!own_error);
  FUZZ_CHECK(run.ok() || absl::IsInvalidArgument(run));
  FUZZ_CHECK(run.ok() != result.empty());
  if (!status.ok()) FUZZ_CHECK(run == status);
}

}  // namespace
}  // namespace multiproc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::optional<multiproc::ChildStart> start = multiproc::ParseChildStart(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!start.has_value()) return 0;
  multiproc::CheckStart(*start);
  multiproc::CheckItsCall(start->call());
  return 0;
}
