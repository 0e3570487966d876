#include "multiproc/executors/cgroups.h"

#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace multiproc {
namespace {

// A hierarchy of groups, as this process sees it.
struct Hierarchy {
  std::string group;  // The path of this process's group in it.
  std::string mount;  // The folder at which it is,
  std::string root;   // which shows it from this group on.
};

// A line of /proc/self/cgroup is "0::/group" of version 2, and
// "4:cpu,cpuacct:/group" of version 1.
std::optional<std::string> FindGroup(absl::string_view text,
                                     CgroupVersion version,
                                     absl::string_view controller) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const bool is_it =
        version == CgroupVersion::k2
            ? fields[0] == "0" && fields[1].empty()
            : absl::c_linear_search(absl::StrSplit(fields[1], ','), controller);
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
std::optional<Hierarchy> ParseMount(absl::string_view line,
                                    CgroupVersion version,
                                    absl::string_view controller) {
  const std::vector<absl::string_view> halves =
      absl::StrSplit(line, absl::MaxSplits(" - ", 1));
  if (halves.size() != 2) return std::nullopt;
  const std::vector<absl::string_view> fields = absl::StrSplit(halves[0], ' ');
  const std::vector<absl::string_view> type = absl::StrSplit(halves[1], ' ');
  if (fields.size() < 5 || type.size() < 3) return std::nullopt;
  const bool is_it =
      version == CgroupVersion::k2
          ? type[0] == "cgroup2"
          : type[0] == "cgroup" &&
                absl::c_linear_search(absl::StrSplit(type[2], ','), controller);
  if (!is_it) return std::nullopt;
  const auto plain = [](absl::string_view path) {
    return absl::StrReplaceAll(path, {{"\\040", " "}, {"\\134", "\\"}});
  };
  return Hierarchy{"", plain(fields[4]), plain(fields[3])};
}

// The first mount that shows `group`, or else the first: parts may be mounted
// elsewhere, too.
std::optional<Hierarchy> FindMount(absl::string_view text,
                                   CgroupVersion version,
                                   absl::string_view controller,
                                   const std::string& group) {
  std::optional<Hierarchy> first;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    std::optional<Hierarchy> hierarchy = ParseMount(line, version, controller);
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

}  // namespace

std::string ReadCgroupFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Cgroups::Cgroups(const std::string& proc)
    : groups_(ReadCgroupFile(proc + "/self/cgroup")) {
  if (!groups_.empty()) mounts_ = ReadCgroupFile(proc + "/self/mountinfo");
}

std::vector<std::string> Cgroups::Folders(CgroupVersion version,
                                          absl::string_view controller) const {
  std::vector<std::string> folders;
  const std::optional<std::string> group =
      FindGroup(groups_, version, controller);
  if (!group.has_value()) return folders;
  const std::optional<Hierarchy> hierarchy =
      FindMount(mounts_, version, controller, *group);
  if (!hierarchy.has_value()) return folders;
  std::string path = PathBelowMount(*hierarchy);
  while (!path.empty()) {
    folders.push_back(hierarchy->mount + path);
    path.resize(path.find_last_of('/'));
  }
  folders.push_back(hierarchy->mount);
  return folders;
}

}  // namespace multiproc
