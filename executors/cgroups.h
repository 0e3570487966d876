// The control groups that this process is in, as cgroups(7) and the kernel's
// admin-guide/cgroup-v2.rst have them. POSIX only, and of use on Linux.
//
//   const Cgroups cgroups("/proc");
//   for (const std::string& folder : cgroups.Folders(CgroupVersion::k2, "")) {
//     ... ReadCgroupFile(folder + "/cpu.max") ...
//   }
//
// Thread-safe: a value that does not change.

#ifndef MULTIPROC_EXECUTORS_CGROUPS_H_
#define MULTIPROC_EXECUTORS_CGROUPS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace multiproc {

enum class CgroupVersion { k1, k2 };

class Cgroups {
 public:
  // Reads self/cgroup and self/mountinfo of `proc`, the folder where /proc is.
  // What can't be read, or makes no sense, is no group.
  explicit Cgroups(const std::string& proc);

  // The folder of this process's group, and those of the groups above it as far
  // as they are mounted: the innermost first. Empty if there is none.
  // `controller`, such as "memory", tells which of the hierarchies of version
  // 1; version 2 has only one, with the files of those controllers that are
  // enabled there.
  std::vector<std::string> Folders(CgroupVersion version,
                                   absl::string_view controller) const;

 private:
  std::string groups_;
  std::string mounts_;
};

// What is in a file of such a folder; empty if it can't be read.
std::string ReadCgroupFile(const std::string& path);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CGROUPS_H_
