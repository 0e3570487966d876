#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/cgroups.h"
#include "multiproc/executors/oom_kills.h"

namespace multiproc {
namespace {

// All of these files have a line "oom_kill 3".
std::optional<uint64_t> ReadCounter(const std::string& path) {
  const std::string text = ReadCgroupFile(path);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    uint64_t count = 0;
    if (field.first == "oom_kill" && absl::SimpleAtoi(field.second, &count)) {
      return count;
    }
  }
  return std::nullopt;
}

// The file that has it, or the last that may.
std::string FindFile(const std::string& proc) {
  const Cgroups cgroups(proc);
  // The top group of the machine has no memory.events.
  for (const std::string& folder : cgroups.Folders(CgroupVersion::k2, "")) {
    std::string path = folder + "/memory.events";
    if (ReadCounter(path).has_value()) return path;
  }
  for (const std::string& folder :
       cgroups.Folders(CgroupVersion::k1, "memory")) {
    std::string path = folder + "/memory.oom_control";
    if (ReadCounter(path).has_value()) return path;
    // Those above do not count the kills below them.
    break;
  }
  return proc + "/vmstat";
}

}  // namespace

OomKillCounter FindOomKillCounter(const std::string& proc) {
  return [path = FindFile(proc)] { return ReadCounter(path); };
}

}  // namespace multiproc
