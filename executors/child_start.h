// How a function's child that is a program of its own finds out what it was
// started for. Private to Initialize().

#ifndef MULTIPROC_EXECUTORS_CHILD_START_H_
#define MULTIPROC_EXECUTORS_CHILD_START_H_

#include <vector>

#include "multiproc/executors/file_handle.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// The call that the environment variable kChildVariable, which is set, leads
// to; and in `handles` what the child has inherited for it. Unsets the
// variable, and on Windows begins to listen for Process::Terminate. Does not
// return if it leads to nothing.
ChildStart TakeChildStart(std::vector<FileHandle>* handles);

// Says so, and ends the process: a child that can't read its call must not go
// on as if it were the program that the user started.
[[noreturn]] void DieOfBadStart(const char* why);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CHILD_START_H_
