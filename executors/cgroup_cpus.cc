#include "multiproc/executors/cgroup_cpus.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/cgroups.h"

namespace multiproc {
namespace {

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

std::optional<int> QuotaOf(CgroupVersion version, const std::string& folder) {
  if (version == CgroupVersion::k1) {
    return ToCpus(ReadCgroupFile(folder + "/cpu.cfs_quota_us"),
                  ReadCgroupFile(folder + "/cpu.cfs_period_us"));
  }
  const std::string text = ReadCgroupFile(folder + "/cpu.max");
  const std::vector<absl::string_view> fields =
      absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  return fields.size() == 2 ? ToCpus(fields[0], fields[1]) : std::nullopt;
}

}  // namespace

std::optional<int> CgroupCpus(const std::string& proc) {
  const Cgroups cgroups(proc);
  std::optional<int> least;
  for (const CgroupVersion version : {CgroupVersion::k2, CgroupVersion::k1}) {
    for (const std::string& folder : cgroups.Folders(version, "cpu")) {
      const std::optional<int> cpus = QuotaOf(version, folder);
      if (cpus.has_value()) least = (std::min)(*cpus, least.value_or(*cpus));
    }
  }
  return least;
}

}  // namespace multiproc
