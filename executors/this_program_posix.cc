#ifdef _WIN32
#error "Windows builds this_program_win.cc"
#endif

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif
#ifdef __linux__
#include <sys/auxv.h>
#endif

#include "multiproc/executors/this_program.h"

namespace multiproc {
namespace {

#ifndef __APPLE__
constexpr char kSelf[] = "/proc/self/exe";

bool IsThisProgram(const char* path) {
  struct stat self;
  struct stat other;
  return stat(kSelf, &self) == 0 && stat(path, &other) == 0 &&
         self.st_dev == other.st_dev && self.st_ino == other.st_ino;
}
#endif

}  // namespace

std::string ThisProgram::Path() {
#ifdef __APPLE__
  char path[PATH_MAX];
  uint32_t size = sizeof(path);
  return _NSGetExecutablePath(path, &size) == 0 ? path : Name();
#else
  // The real path shows its name in ps and top, where /proc/self/exe would be
  // "exe"; but only the latter is right once the file was replaced.
  char path[PATH_MAX];
  const ssize_t size = readlink(kSelf, path, sizeof(path) - 1);
  if (size <= 0) return kSelf;
  path[size] = '\0';
  return IsThisProgram(path) ? path : kSelf;
#endif
}

bool ThisProgram::HasPrivilegesOfItsOwn() {
#ifdef __linux__
  return getauxval(AT_SECURE) != 0;
#else
  return issetugid() != 0;
#endif
}

}  // namespace multiproc
