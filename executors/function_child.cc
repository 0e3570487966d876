#include "multiproc/executors/function_child.h"

#include <climits>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/base/no_destructor.h"
#include "absl/status/status.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/functions/function.h"

namespace multiproc {
namespace {

std::vector<FileHandle>& HandlesSlot() {
  static absl::NoDestructor<std::vector<FileHandle>> handles;
  return *handles;
}

}  // namespace

const std::vector<FileHandle>& InheritedHandles() { return HandlesSlot(); }

ChildStart MakeChildStart(const Command& command) {
  ChildStart start;
  start.set_name(NameOf(command));
  start.set_show_name(!command.name.empty());
  start.set_parent_pid(CurrentPid());
  return start;
}

std::optional<ChildStart> ParseChildStart(absl::string_view bytes) {
  ChildStart start;
  if (bytes.size() > INT_MAX ||
      !start.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      (start.call().function().empty() && !start.has_program())) {
    return std::nullopt;
  }
  return start;
}

void TakeIdentity(const ChildStart& start) {
  SetCurrentProcess(start.name(), start.parent_pid());
  if (start.show_name()) ShowProcessName(start.name());
}

int RunFunctionInChild(const FunctionCall& call,
                       std::vector<FileHandle> handles) {
  HandlesSlot() = std::move(handles);
  std::string result;
  bool own_error = false;
  const absl::Status status = RunCall(call, &result, &own_error);
  if (status.ok()) return 0;
  std::fprintf(stderr, "multiproc: %s: %s\n", call.function().c_str(),
               status.ToString().c_str());
  return 1;
}

}  // namespace multiproc
