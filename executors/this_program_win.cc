#ifndef _WIN32
#error "POSIX builds this_program_posix.cc"
#endif

#include "multiproc/executors/this_program.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_text.h"

namespace multiproc {

// Where it was started from: the file can be renamed since, but not removed.
std::string ThisProgram::Path() {
  std::wstring path(MAX_PATH, L'\0');
  while (true) {
    const DWORD length = GetModuleFileNameW(nullptr, path.data(),
                                            static_cast<DWORD>(path.size()));
    if (length < path.size()) return ToUtf8(path.substr(0, length));
    path.resize(path.size() * 2);
  }
}

bool ThisProgram::HasPrivilegesOfItsOwn() { return false; }

}  // namespace multiproc
