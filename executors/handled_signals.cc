#include "multiproc/executors/handled_signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace multiproc {
namespace {

#if defined(__linux__) && !defined(MULTIPROC_PORTABLE_POSIX)
// The line `name` of /proc/self/status, whose text `status` is.
std::optional<SignalSet> FindSet(absl::string_view status,
                                 absl::string_view name) {
  constexpr size_t kDigits = 16;
  const size_t begin = status.find(name);
  SignalSet set = 0;
  if (begin == status.npos ||
      !absl::SimpleHexAtoi(status.substr(begin + name.size(), kDigits), &set)) {
    return std::nullopt;
  }
  return set;
}

// Three calls, where to ask for each signal takes 55.
std::optional<SignalSet> ReadHandledSignals() {
  const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  char buffer[4096];
  const ssize_t size = read(fd, buffer, sizeof(buffer));
  close(fd);
  if (size < 0) return std::nullopt;
  const absl::string_view status(buffer, static_cast<size_t>(size));
  const std::optional<SignalSet> ignored = FindSet(status, "\nSigIgn:\t");
  const std::optional<SignalSet> caught = FindSet(status, "\nSigCgt:\t");
  if (!ignored.has_value() || !caught.has_value()) return std::nullopt;
  return *ignored | *caught;
}
#else
std::optional<SignalSet> ReadHandledSignals() { return std::nullopt; }
#endif

}  // namespace

SignalSet HandledSignals() {
  return ReadHandledSignals().value_or(kAllSignals);
}

}  // namespace multiproc
