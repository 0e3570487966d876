#ifdef _WIN32
#error "Windows builds resident_memory_win.cc"
#endif

#include <fcntl.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "multiproc/pool/resident_memory.h"

namespace multiproc {
namespace {

std::optional<uint64_t> ReadStatm(const std::string& path) {
  const int statm = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (statm < 0) return std::nullopt;
  char text[128];
  const ssize_t size = read(statm, text, sizeof(text) - 1);
  close(statm);
  if (size <= 0) return std::nullopt;
  text[size] = '\0';
  uint64_t resident = 0;
  if (std::sscanf(text, "%*u %" SCNu64, &resident) != 1) return std::nullopt;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::optional<uint64_t> ResidentBytes() {
  return ReadStatm("/proc/self/statm");
}

std::optional<uint64_t> ResidentBytes(int64_t pid) {
  return ReadStatm(absl::StrCat("/proc/", pid, "/statm"));
}

}  // namespace multiproc
