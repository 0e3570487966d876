// Finding the file of a program. Windows only.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_PROGRAM_H_
#define MULTIPROC_EXECUTORS_WINDOWS_PROGRAM_H_

#include <string>

#include "absl/status/statusor.h"

namespace multiproc {

// `path`, which exists or not, from the root of its drive: relative to this
// process's directory now.
std::wstring AbsoluteWindowsPath(const std::wstring& path);

// The absolute path of the program that ProgramCall::program names, with .exe
// behind it if that was left out.
//   NOT_FOUND          there is no such file, there or in PATH.
//   PERMISSION_DENIED  it is a folder.
//   INVALID_ARGUMENT   it is a batch file, which cmd.exe would run; or its name
//                      is not UTF-8.
absl::StatusOr<std::wstring> FindWindowsProgram(const std::string& program);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_PROGRAM_H_
