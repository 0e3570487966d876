// What a child does that was started to call a function. For backends.

#ifndef MULTIPROC_EXECUTORS_FUNCTION_CHILD_H_
#define MULTIPROC_EXECUTORS_FUNCTION_CHILD_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// What a child of `command`, to be started by this process, is told of itself;
// all but the call and its handles.
ChildStart MakeChildStart(const Command& command);

// The ChildStart that `bytes` hold; nullopt if they hold none, or one that says
// nothing to do.
std::optional<ChildStart> ParseChildStart(absl::string_view bytes);

// Tells this process, which is such a child, what `start` says of it.
void TakeIdentity(const ChildStart& start);

// Makes `handles` what InheritedHandles() returns, runs `call`, and returns the
// exit code: 0, or 1 after printing the error to standard error.
int RunFunctionInChild(const FunctionCall& call,
                       std::vector<FileHandle> handles);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_FUNCTION_CHILD_H_
