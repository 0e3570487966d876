#include <fcntl.h>
#include <io.h>
#include <stdlib.h>

#include "multiproc/executors/windows_api.h"
// After windows.h, which it needs.
#include <shellapi.h>

#include <cstdint>
#include <cwchar>

#include "multiproc/executors/windows_text.h"
#include "tests/test_child_os.h"

namespace multiproc {
namespace {

// More than a Command can name.
constexpr int kMostDescriptors = 512;

// The C runtime would end a program that asks about what is not open.
void IgnoreInvalidParameter(const wchar_t*, const wchar_t*, const wchar_t*,
                            unsigned int, uintptr_t) {}

}  // namespace

// Those of main have lost what the ANSI code page does not have.
std::vector<std::string> ProgramArguments(int, char**) {
  int count = 0;
  wchar_t** const all = CommandLineToArgvW(GetCommandLineW(), &count);
  std::vector<std::string> arguments;
  for (int i = 1; i < count; ++i) arguments.push_back(ToUtf8(all[i]));
  LocalFree(all);
  return arguments;
}

void UseBinaryStreams() {
  for (int descriptor = 0; descriptor < 3; ++descriptor) {
    _setmode(descriptor, _O_BINARY);
  }
}

// Without those that begin with '=', which Windows hides.
std::vector<std::string> EnvironmentEntries() {
  std::vector<std::string> entries;
  wchar_t* const block = GetEnvironmentStringsW();
  for (const wchar_t* entry = block; *entry != L'\0';
       entry += std::wcslen(entry) + 1) {
    if (*entry != L'=') entries.push_back(ToUtf8(entry));
  }
  FreeEnvironmentStringsW(block);
  return entries;
}

std::string WorkingDirectory() {
  wchar_t path[4096];
  const DWORD length = GetCurrentDirectoryW(4096, path);
  return ToUtf8(std::wstring_view(path, length));
}

std::vector<int> OpenDescriptors() {
  _set_invalid_parameter_handler(IgnoreInvalidParameter);
  std::vector<int> descriptors;
  for (int descriptor = 0; descriptor < kMostDescriptors; ++descriptor) {
    // -1 where there is none, -2 for a standard stream that leads nowhere.
    if (_get_osfhandle(descriptor) >= 0) descriptors.push_back(descriptor);
  }
  return descriptors;
}

bool WriteToDescriptor(int descriptor, absl::string_view text) {
  return _write(descriptor, text.data(),
                static_cast<unsigned int>(text.size())) ==
         static_cast<int>(text.size());
}

std::optional<std::string> OwnCommand(absl::string_view) {
  return std::nullopt;
}

}  // namespace multiproc
