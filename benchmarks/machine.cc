#include "multiproc/benchmarks/machine.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tests/read_file.h"

namespace multiproc {
namespace {

// What follows "name:" in a file of such lines; empty if that is not there.
std::string ReadLineOf(const std::string& path, absl::string_view name) {
  for (const absl::string_view line : absl::StrSplit(ReadFile(path), '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(parts.first) == name) {
      return std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return "";
}

int64_t MemoryMib(absl::string_view name) {
  const std::string line = ReadLineOf("/proc/meminfo", name);
  int64_t kib = 0;
  return absl::SimpleAtoi(line.substr(0, line.find(' ')), &kib) ? kib / 1024
                                                                : 0;
}

std::vector<int64_t> AllPids() {
  std::vector<int64_t> pids;
  DIR* const directory = opendir("/proc");
  if (directory == nullptr) return pids;
  while (const dirent* entry = readdir(directory)) {
    int64_t pid = 0;
    if (absl::SimpleAtoi(entry->d_name, &pid)) pids.push_back(pid);
  }
  closedir(directory);
  return pids;
}

struct ProcessCpu {
  int64_t process_group = 0;
  // With that of the children that it has waited for.
  double seconds = 0;
};

// From /proc/PID/stat (proc(5)): the fields after the name in parentheses,
// which may hold anything, are separated by spaces.
ProcessCpu ReadProcessCpu(int64_t pid) {
  const std::string stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(
                         std::min(stat.size(), stat.rfind(')') + 2)),
                     ' ');
  constexpr size_t kGroup = 2, kFirstTime = 11, kLastTime = 14;
  ProcessCpu cpu;
  if (fields.size() <= kLastTime ||
      !absl::SimpleAtoi(fields[kGroup], &cpu.process_group)) {
    return cpu;  // It has ended.
  }
  static const double ticks_a_second =
      static_cast<double>(sysconf(_SC_CLK_TCK));
  for (size_t i = kFirstTime; i <= kLastTime; ++i) {
    int64_t ticks = 0;
    if (absl::SimpleAtoi(fields[i], &ticks)) {
      cpu.seconds += static_cast<double>(ticks) / ticks_a_second;
    }
  }
  return cpu;
}

// CPU so far of all processes but this one and those of the group.
double SecondsOfOthers(int64_t process_group) {
  double seconds = 0;
  for (const int64_t pid : AllPids()) {
    const ProcessCpu cpu = ReadProcessCpu(pid);
    if (pid != getpid() && cpu.process_group != process_group) {
      seconds += cpu.seconds;
    }
  }
  return seconds;
}

}  // namespace

std::string DescribeMachine() {
  utsname system{};
  uname(&system);
  const std::string model = ReadLineOf("/proc/cpuinfo", "model name");
  return absl::StrCat(model.empty() ? system.machine : model, ", ",
                      sysconf(_SC_NPROCESSORS_ONLN), " CPUs, ",
                      (MemoryMib("MemTotal") + 512) / 1024, " GiB, ",
                      system.sysname, " ", system.release);
}

double LoadAverage() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

int64_t AvailableMib() { return MemoryMib("MemAvailable"); }

OthersCpu::OthersCpu() : seconds_before_(SecondsOfOthers(-1)) {}

double OthersCpu::Share(int64_t process_group) const {
  const double seconds = SecondsOfOthers(process_group) - seconds_before_;
  return std::max(0.0, seconds) / std::max(stopwatch_.Seconds(), 0.01);
}

}  // namespace multiproc
