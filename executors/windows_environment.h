// The environment of a child, as Windows wants it. Windows only.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_ENVIRONMENT_H_
#define MULTIPROC_EXECUTORS_WINDOWS_ENVIRONMENT_H_

#include <map>
#include <string>

namespace multiproc {

// Windows takes PATH and Path for the same variable, and wants them sorted.
struct IgnoringCase {
  bool operator()(const std::wstring& a, const std::wstring& b) const;
};

using WindowsEnvironment = std::map<std::wstring, std::wstring, IgnoringCase>;

// This process's. Names may begin with '=': cmd.exe keeps the directory of each
// drive so.
WindowsEnvironment ReadWindowsEnvironment();

// NAME=value, each ended by a NUL, and a NUL behind the last (CreateProcessW,
// lpEnvironment).
std::wstring MakeEnvironmentBlock(const WindowsEnvironment& environment);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_WINDOWS_ENVIRONMENT_H_
