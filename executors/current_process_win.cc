#ifndef _WIN32
#error "POSIX builds current_process_posix.cc"
#endif

#include "multiproc/executors/current_process.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/parent_process.h"
#include "multiproc/executors/windows_api.h"

namespace multiproc {
namespace {

// PROCESS_BASIC_INFORMATION: not all headers name its last field.
struct BasicInformation {
  LONG exit_status;
  void* environment_block;
  ULONG_PTR affinity;
  LONG priority;
  ULONG_PTR pid;
  ULONG_PTR parent_pid;
};

using QueryInformation = LONG(WINAPI*)(HANDLE, int, void*, ULONG, ULONG*);

// In 100 ns; 0 if it can't be told.
uint64_t StartOf(HANDLE process) {
  FILETIME start, exit, kernel, user;
  if (GetProcessTimes(process, &start, &exit, &kernel, &user) == 0) return 0;
  return (uint64_t{start.dwHighDateTime} << 32) | start.dwLowDateTime;
}

}  // namespace

int64_t CurrentPid() { return GetCurrentProcessId(); }

int64_t AskParentPid() {
  constexpr int kProcessBasicInformation = 0;
  const auto query =
      reinterpret_cast<QueryInformation>(reinterpret_cast<void*>(GetProcAddress(
          GetModuleHandleW(L"ntdll.dll"), "NtQueryInformationProcess")));
  BasicInformation information = {};
  if (query == nullptr ||
      query(GetCurrentProcess(), kProcessBasicInformation, &information,
            sizeof(information), nullptr) != 0) {
    return 0;
  }
  return static_cast<int64_t>(information.parent_pid);
}

// A process of that id that is younger than this one is another.
bool ParentIsAlive() {
  const ScopedFileHandle parent(
      OpenProcess(SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE,
                  static_cast<DWORD>(ParentPid())));
  return parent.is_valid() &&
         WaitForSingleObject(parent.get(), 0) == WAIT_TIMEOUT &&
         StartOf(parent.get()) <= StartOf(GetCurrentProcess());
}

void ShowProcessName(const std::string&) {}

}  // namespace multiproc
