#include "multiproc/executors/windows_environment.h"

#include <cwchar>
#include <string_view>

#include "multiproc/executors/windows_api.h"

namespace multiproc {

bool IgnoringCase::operator()(const std::wstring& a,
                              const std::wstring& b) const {
  return CompareStringOrdinal(a.data(), static_cast<int>(a.size()), b.data(),
                              static_cast<int>(b.size()),
                              TRUE) == CSTR_LESS_THAN;
}

WindowsEnvironment ReadWindowsEnvironment() {
  WindowsEnvironment environment;
  wchar_t* const block = GetEnvironmentStringsW();
  // Null where memory is out.
  for (const wchar_t* entry = block; entry != nullptr && *entry != L'\0';
       entry += std::wcslen(entry) + 1) {
    const std::wstring_view text = entry;
    const size_t sign = text.find(L'=', 1);
    if (sign == std::wstring_view::npos) continue;
    environment.emplace(text.substr(0, sign), text.substr(sign + 1));
  }
  if (block != nullptr) FreeEnvironmentStringsW(block);
  return environment;
}

std::wstring MakeEnvironmentBlock(const WindowsEnvironment& environment) {
  std::wstring block;
  for (const auto& [name, value] : environment) {
    block += name + L'=' + value;
    block += L'\0';
  }
  // An empty one has two.
  if (block.empty()) block += L'\0';
  block += L'\0';
  return block;
}

}  // namespace multiproc
