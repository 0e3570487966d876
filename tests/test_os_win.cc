#include <io.h>
#include <stdlib.h>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/windows_api.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

// Between two tries of what Windows has no call to wait for.
constexpr DWORD kTryInterval = 5;  // Milliseconds.

constexpr DWORD kShareAll =
    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

}  // namespace

const char kPathSeparator = ';';
const char kNotFoundError[] = "[error 2]";
const char kBadHandleError[] = "[error 6]";
// A command line has 32,767 characters.
const size_t kGreatArgumentSize = 30000;

// ---- The end of this process ----

void DieBySignal(int signal) {
  ExitAtOnce(ExitStatus::WindowsCodeOfSignal(signal));
}

void ExitAtOnce(uint32_t code) {
  TerminateProcess(GetCurrentProcess(), code);
  while (true) Sleep(INFINITE);  // It is on its way.
}

void PauseForEver() {
  while (true) Sleep(INFINITE);
}

// What the default handler of Ctrl-Break exits with: STATUS_CONTROL_C_EXIT.
// Under Wine 10, on a terminal, such a program was seen to end with 1.
ExitStatus EndOfTerminatedProgram() {
  const bool is_wine = GetProcAddress(GetModuleHandleW(L"ntdll.dll"),
                                      "wine_get_version") != nullptr;
  return ExitStatus::Exited(is_wine ? 1 : 0xC000013A);
}

// A test that a build tool runs has none at first.
bool HasConsole() {
  static const bool has_one = [] {
    const ScopedFileHandle console(CreateFileA("CONOUT$", GENERIC_WRITE,
                                               kShareAll, nullptr,
                                               OPEN_EXISTING, 0, nullptr));
    if (console.is_valid()) return true;
    // Of one that is none, which Wine gives.
    FreeConsole();
    return AllocConsole() != 0;
  }();
  return has_one;
}

// ---- Other processes ----

absl::Status KillPid(int64_t pid) {
  const ScopedFileHandle process(
      OpenProcess(PROCESS_TERMINATE, FALSE, static_cast<DWORD>(pid)));
  if (process.is_valid() &&
      TerminateProcess(process.get(),
                       ExitStatus::WindowsCodeOfSignal(kSigKill)) != 0) {
    return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat("the end of ", pid, " [error ", GetLastError(), "]"));
}

bool IsAlive(int64_t pid) {
  const ScopedFileHandle process(
      OpenProcess(SYNCHRONIZE, FALSE, static_cast<DWORD>(pid)));
  return process.is_valid() &&
         WaitForSingleObject(process.get(), 0) == WAIT_TIMEOUT;
}

// ---- Handles ----

FileHandle StandardInput() { return GetStdHandle(STD_INPUT_HANDLE); }

FileHandle OpenPlainHandle() {
  SECURITY_ATTRIBUTES inheritable = {sizeof(inheritable), nullptr, TRUE};
  return CreateFileA("NUL", GENERIC_READ, kShareAll, &inheritable,
                     OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
}

void MakeInheritable(FileHandle handle) {
  SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
}

bool IsOpen(FileHandle handle) {
  DWORD flags = 0;
  return GetHandleInformation(handle, &flags) != 0;
}

bool IsInheritable(FileHandle handle) {
  DWORD flags = 0;
  return GetHandleInformation(handle, &flags) != 0 &&
         (flags & HANDLE_FLAG_INHERIT) != 0;
}

void CloseHandleOf(FileHandle handle) { CloseHandle(handle); }

ScopedFileHandle Duplicate(FileHandle handle) {
  HANDLE duplicate = nullptr;
  DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &duplicate,
                  0, FALSE, DUPLICATE_SAME_ACCESS);
  return ScopedFileHandle(duplicate);
}

// Numbers of handles are multiples of four.
FileHandle UnopenedHandle() {
  return reinterpret_cast<HANDLE>(static_cast<uintptr_t>(987654320));
}

std::string NumberOf(FileHandle handle) {
  return absl::StrCat(reinterpret_cast<uintptr_t>(handle));
}

// ---- Streams and files ----

// The C runtime's three and Windows's own.
void CloseStandardStreams() {
  for (int descriptor = 0; descriptor < 3; ++descriptor) _close(descriptor);
  for (const DWORD name :
       {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE}) {
    SetStdHandle(name, nullptr);
  }
}

// Without FILE_WRITE_DATA each write goes to the end, in one piece; but not
// under Wine, where two may go to the same place: they take turns.
void AppendLine(const std::string& path, absl::string_view line) {
  const ScopedFileHandle file(
      CreateFileA(path.c_str(), FILE_APPEND_DATA | SYNCHRONIZE, kShareAll,
                  nullptr, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr));
  const ScopedFileHandle turn(
      CreateMutexA(nullptr, FALSE, "multiproc-test-append"));
  WaitForSingleObject(turn.get(), INFINITE);
  WriteAll(file.get(), absl::StrCat(line, "\n")).IgnoreError();
  ReleaseMutex(turn.get());
}

// ---- The environment ----

// Both of the C runtime's environment and of Windows's.
void ScopedVariable::Set(const std::string& name,
                         const std::optional<std::string>& value) {
  _putenv_s(name.c_str(), value.value_or("").c_str());
}

// ---- A rendezvous ----

std::string MakeFifo(const std::string&, int number) {
  return absl::StrCat("\\\\.\\pipe\\multiproc-test-", GetCurrentProcessId(),
                      "-", number);
}

std::string ReadFifo(const std::string& path) {
  const ScopedFileHandle pipe(
      CreateNamedPipeA(path.c_str(), PIPE_ACCESS_INBOUND,
                       PIPE_TYPE_BYTE | PIPE_WAIT, 1, 0, 4096, 0, nullptr));
  if (!pipe.is_valid()) return "no pipe";
  // A writer that has come, or even gone, already is an error, and none here.
  ConnectNamedPipe(pipe.get(), nullptr);
  return *ReadToEnd(pipe.get());
}

// An open waits for nobody here: it is tried again until there is a reader.
void WriteFifo(const std::string& path, absl::string_view text) {
  while (true) {
    const ScopedFileHandle pipe(CreateFileA(path.c_str(), GENERIC_WRITE, 0,
                                            nullptr, OPEN_EXISTING,
                                            FILE_ATTRIBUTE_NORMAL, nullptr));
    if (pipe.is_valid()) {
      WriteAll(pipe.get(), text).IgnoreError();
      return;
    }
    Sleep(kTryInterval);
  }
}

}  // namespace multiproc
