#include "multiproc/executors/cgroup_cpus.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace multiproc {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<int> ToCpus(absl::string_view quota, absl::string_view period) {
  int64_t time = 0;
  int64_t of = 0;
  // "max" and -1 stand for none.
  if (!absl::SimpleAtoi(quota, &time) || !absl::SimpleAtoi(period, &of) ||
      time <= 0 || of <= 0) {
    return std::nullopt;
  }
  const int64_t cpus = time / of + (time % of == 0 ? 0 : 1);
  return static_cast<int>(
      (std::min)(cpus, int64_t{(std::numeric_limits<int>::max)()}));
}

// A hierarchy of groups that may have a quota.
struct Hierarchy {
  bool is_v2;
  std::string group;  // The path of this process's group in it.
  std::string mount;  // The folder at which it is,
  std::string root;   // which shows it from this group on.
};

std::optional<int> QuotaOf(const Hierarchy& hierarchy,
                           const std::string& folder) {
  if (!hierarchy.is_v2) {
    return ToCpus(ReadAll(folder + "/cpu.cfs_quota_us"),
                  ReadAll(folder + "/cpu.cfs_period_us"));
  }
  const std::string text = ReadAll(folder + "/cpu.max");
  const std::vector<absl::string_view> fields =
      absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  return fields.size() == 2 ? ToCpus(fields[0], fields[1]) : std::nullopt;
}

// A line of /proc/self/cgroup is "0::/group" of version 2, and
// "4:cpu,cpuacct:/group" of version 1.
std::optional<std::string> FindGroup(absl::string_view text, bool is_v2) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const bool is_it =
        is_v2 ? fields[0] == "0" && fields[1].empty()
              : absl::c_linear_search(absl::StrSplit(fields[1], ','), "cpu");
    if (is_it) return std::string(fields[2]);
  }
  return std::nullopt;
}

// Whether what is mounted shows the group at its path, and not above it.
bool Shows(const Hierarchy& hierarchy) {
  return hierarchy.root == "/" || hierarchy.group == hierarchy.root ||
         absl::StartsWith(hierarchy.group, absl::StrCat(hierarchy.root, "/"));
}

// proc_pid_mountinfo(5): "36 35 98:0 /root /mount options ... - type source
// options of the file system".
std::optional<Hierarchy> ParseMount(absl::string_view line, bool is_v2) {
  const std::vector<absl::string_view> halves =
      absl::StrSplit(line, absl::MaxSplits(" - ", 1));
  if (halves.size() != 2) return std::nullopt;
  const std::vector<absl::string_view> fields = absl::StrSplit(halves[0], ' ');
  const std::vector<absl::string_view> type = absl::StrSplit(halves[1], ' ');
  if (fields.size() < 5 || type.size() < 3) return std::nullopt;
  const bool is_it =
      is_v2 ? type[0] == "cgroup2"
            : type[0] == "cgroup" &&
                  absl::c_linear_search(absl::StrSplit(type[2], ','), "cpu");
  if (!is_it) return std::nullopt;
  const auto plain = [](absl::string_view path) {
    return absl::StrReplaceAll(path, {{"\\040", " "}, {"\\134", "\\"}});
  };
  return Hierarchy{is_v2, "", plain(fields[4]), plain(fields[3])};
}

// The first mount that shows `group`, or else the first: parts may be mounted
// elsewhere, too.
std::optional<Hierarchy> FindMount(absl::string_view text, bool is_v2,
                                   const std::string& group) {
  std::optional<Hierarchy> first;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    std::optional<Hierarchy> hierarchy = ParseMount(line, is_v2);
    if (!hierarchy.has_value()) continue;
    hierarchy->group = group;
    if (Shows(*hierarchy)) return hierarchy;
    if (!first.has_value()) first = std::move(hierarchy);
  }
  return first;
}

// The path of the group below its mount. What is mounted may be a part of the
// hierarchy, as in a container; a group that is not within it shows as its top.
std::string PathBelowMount(const Hierarchy& hierarchy) {
  if (!Shows(hierarchy)) return "";
  absl::string_view path = hierarchy.group;
  if (hierarchy.root != "/") path.remove_prefix(hierarchy.root.size());
  // Nor does one whose path is none.
  if (path == "/" || !absl::StartsWith(path, "/")) return "";
  return std::string(path);
}

// Of a group and all above it.
std::optional<int> LeastQuota(const Hierarchy& hierarchy) {
  std::optional<int> least;
  std::string path = PathBelowMount(hierarchy);
  while (true) {
    const std::optional<int> cpus = QuotaOf(hierarchy, hierarchy.mount + path);
    if (cpus.has_value()) least = (std::min)(*cpus, least.value_or(*cpus));
    if (path.empty()) return least;
    path.resize(path.find_last_of('/'));
  }
}

}  // namespace

std::optional<int> CgroupCpus(const std::string& proc) {
  const std::string groups = ReadAll(proc + "/self/cgroup");
  if (groups.empty()) return std::nullopt;
  const std::string mounts = ReadAll(proc + "/self/mountinfo");
  std::optional<int> least;
  for (const bool is_v2 : {true, false}) {
    const std::optional<std::string> group = FindGroup(groups, is_v2);
    if (!group.has_value()) continue;
    const std::optional<Hierarchy> hierarchy = FindMount(mounts, is_v2, *group);
    if (!hierarchy.has_value()) continue;
    const std::optional<int> cpus = LeastQuota(*hierarchy);
    if (cpus.has_value()) least = (std::min)(*cpus, least.value_or(*cpus));
  }
  return least;
}

}  // namespace multiproc
