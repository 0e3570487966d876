#include "multiproc/executors/windows_api.h"
// After windows.h, which two of these need.
#include <gtest/gtest.h>
#include <tlhelp32.h>
#include <winternl.h>

#include <cstdint>
#include <set>
#include <string>

#include "multiproc/executors/file_handle.h"
#include "tests/process_state.h"

namespace multiproc {
namespace {

// What the number stands for: "File", "Event" ...; nothing if for nothing.
std::wstring TypeOfHandle(uintptr_t number) {
  using Query =
      NTSTATUS(WINAPI*)(HANDLE, OBJECT_INFORMATION_CLASS, void*, ULONG, ULONG*);
  static const Query query = reinterpret_cast<Query>(reinterpret_cast<void*>(
      GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQueryObject")));
  alignas(UNICODE_STRING) char buffer[1024];
  if (query(reinterpret_cast<HANDLE>(number), ObjectTypeInformation, buffer,
            sizeof(buffer), nullptr) != 0) {
    return L"";
  }
  // It begins with the name.
  const auto* const name = reinterpret_cast<const UNICODE_STRING*>(buffer);
  return std::wstring(name->Buffer, name->Length / sizeof(wchar_t));
}

// By asking about each number that a handle may have: Wine does not count them.
void CountHandles(ProcessState* state) {
  constexpr uintptr_t kMostHandles = 1024;
  static const auto* const descriptors = new std::set<std::wstring>{
      L"File", L"Job", L"Process", L"Section", L"Thread"};
  for (uintptr_t number = 4; number <= 4 * kMostHandles; number += 4) {
    const std::wstring type = TypeOfHandle(number);
    if (type.empty()) continue;
    ++(descriptors->count(type) > 0 ? state->descriptors
                                    : state->other_handles);
  }
}

int CountThreads(HANDLE snapshot) {
  int count = 0;
  THREADENTRY32 entry = {};
  entry.dwSize = sizeof(entry);
  for (BOOL ok = Thread32First(snapshot, &entry); ok != 0;
       ok = Thread32Next(snapshot, &entry)) {
    if (entry.th32OwnerProcessID == GetCurrentProcessId()) ++count;
  }
  return count;
}

// By the parent's id, which a process keeps when the parent has gone: one that
// had this process's id earlier would add its children.
int CountChildren(HANDLE snapshot) {
  int count = 0;
  PROCESSENTRY32W entry = {};
  entry.dwSize = sizeof(entry);
  for (BOOL ok = Process32FirstW(snapshot, &entry); ok != 0;
       ok = Process32NextW(snapshot, &entry)) {
    if (entry.th32ParentProcessID == GetCurrentProcessId()) ++count;
  }
  return count;
}

}  // namespace

const int ProcessState::kMoreThreads = 8;
const int ProcessState::kMoreOtherHandles = 16;

ProcessState ProcessState::Now() {
  // With what it first keeps for a thread (a trace, a failure, a skipped test)
  // GoogleTest starts one of its own, to watch that.
  SCOPED_TRACE("");
  ProcessState state;
  CountHandles(&state);
  const ScopedFileHandle snapshot(CreateToolhelp32Snapshot(
      TH32CS_SNAPTHREAD | TH32CS_SNAPPROCESS, /*th32ProcessID=*/0));
  state.threads = CountThreads(snapshot.get());
  state.children = CountChildren(snapshot.get());
  return state;
}

}  // namespace multiproc
