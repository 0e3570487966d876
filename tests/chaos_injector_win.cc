#include "multiproc/executors/windows_api.h"
#include "tests/chaos_injector.h"
#include "tests/chaos_worker.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

template <typename Function>
Function* SystemsFunction(const char* name) {
  return reinterpret_cast<Function*>(reinterpret_cast<void*>(
      GetProcAddress(GetModuleHandleW(L"kernel32.dll"), name)));
}

// Does the part of a transfer that may pass, to its end: a worker waits for it
// in any case. Then it may be the worker's end.
template <typename Call>
BOOL Transfer(HANDLE pipe, DWORD size, DWORD* done, OVERLAPPED* overlapped,
              Call call) {
  const auto part = static_cast<DWORD>(chaos_internal::GrantBytes(size));
  BOOL ok = call(part);
  DWORD count = done == nullptr ? 0 : *done;
  if (overlapped != nullptr &&
      (ok != 0 || GetLastError() == ERROR_IO_PENDING)) {
    ok = GetOverlappedResult(pipe, overlapped, &count, TRUE);
  }
  const DWORD error = GetLastError();
  if (ok != 0 && count > 0) chaos_internal::CountBytes(count, pipe);
  SetLastError(error);
  return ok;
}

// A pool's own transfers go on when the call has returned, and are left alone.
bool IsTouched(HANDLE handle) {
  static const bool is_worker =
      GetEnvironmentVariableA(kChaosVariable, nullptr, 0) != 0;
  return is_worker && GetFileType(handle) == FILE_TYPE_PIPE;
}

BOOL WINAPI ReadFileByInjector(HANDLE handle, void* buffer, DWORD size,
                               DWORD* done, OVERLAPPED* overlapped) {
  static const auto read = SystemsFunction<decltype(ReadFile)>("ReadFile");
  const auto call = [=](DWORD part) {
    return read(handle, buffer, part, done, overlapped);
  };
  return IsTouched(handle) ? Transfer(handle, size, done, overlapped, call)
                           : call(size);
}

BOOL WINAPI WriteFileByInjector(HANDLE handle, const void* bytes, DWORD size,
                                DWORD* done, OVERLAPPED* overlapped) {
  static const auto write = SystemsFunction<decltype(WriteFile)>("WriteFile");
  const auto call = [=](DWORD part) {
    return write(handle, bytes, part, done, overlapped);
  };
  return IsTouched(handle) ? Transfer(handle, size, done, overlapped, call)
                           : call(size);
}

}  // namespace

namespace chaos_internal {

bool KillChild(int64_t pid) { return IsAlive(pid) && KillPid(pid).ok(); }

bool TerminateChild(int64_t) { return false; }

int64_t ChildAtOtherEnd(FileHandle) { return 0; }

const bool kCanStop = false;

void StopThisProcess() {}

}  // namespace chaos_internal
}  // namespace multiproc

// Through these pointers all of this program calls the system's functions. The
// linker takes them from here, and not from the system's import library.
extern "C" {
decltype(&ReadFile) __imp_ReadFile = multiproc::ReadFileByInjector;
decltype(&WriteFile) __imp_WriteFile = multiproc::WriteFileByInjector;
}
