// What a child does that was started to call a function. For backends.

#ifndef MULTIPROC_EXECUTORS_FUNCTION_CHILD_H_
#define MULTIPROC_EXECUTORS_FUNCTION_CHILD_H_

#include <vector>

#include "multiproc/executors/file_handle.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// Makes `handles` what InheritedHandles() returns, runs `call`, and returns the
// exit code: 0, or 1 after printing the error to standard error.
int RunFunctionInChild(const FunctionCall& call,
                       std::vector<FileHandle> handles);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_FUNCTION_CHILD_H_
