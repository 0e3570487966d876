// This process, and the one that started it.
//
//   LOG(INFO) << CurrentProcessName() << " (" << CurrentPid() << ")";
//   while (ParentIsAlive()) { ... work for it ... }
//
// Thread-safe.

#ifndef MULTIPROC_EXECUTORS_CURRENT_PROCESS_H_
#define MULTIPROC_EXECUTORS_CURRENT_PROCESS_H_

#include <cstdint>
#include <string>

namespace multiproc {

// The id of this process: getpid(2), GetCurrentProcessId on Windows; what
// Process::pid says of it in its parent.
int64_t CurrentPid();

// What Process::name says of a function's child in its parent. Of any other
// process the name of its program's file, as Initialize() got it in argv[0]
// (which is a Command::name, if one was given); empty before that.
std::string CurrentProcessName();

// The id of the process that started this one, which may have ended since, and
// its id be another's. 0 for the first process of a container (PID namespace).
int64_t ParentPid();

// Whether the process that started this one still runs. Asked of the system at
// each call: by getppid(2), which tells of another parent once the first one
// has ended. A few microseconds at most.
bool ParentIsAlive();

// For Initialize() and backends, in a child.

// What CurrentProcessName() and ParentPid() return from now on.
void SetCurrentProcess(std::string name, int64_t parent_pid);

// Makes `name` that of the calling thread, which is main's, for ps and top:
// prctl(2) with PR_SET_NAME on Linux, pthread_setname_np on macOS. Elsewhere
// nothing.
void ShowProcessName(const std::string& name);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CURRENT_PROCESS_H_
