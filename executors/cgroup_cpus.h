// The CPU time that control groups grant, as cgroups(7) and the kernel's
// admin-guide/cgroup-v2.rst have it. POSIX only, and of use on Linux.

#ifndef MULTIPROC_EXECUTORS_CGROUP_CPUS_H_
#define MULTIPROC_EXECUTORS_CGROUP_CPUS_H_

#include <optional>
#include <string>

namespace multiproc {

// How many CPUs the quota of this process's group, and of those above it, is
// worth: the least of them, rounded up, 1 at least; nullopt if there is none.
// Version 2 has it in cpu.max, version 1 in cpu.cfs_quota_us and
// cpu.cfs_period_us. `proc` is the folder where /proc is: of its self/cgroup
// and self/mountinfo come the groups and their folders. What can't be read, or
// makes no sense, is no quota.
std::optional<int> CgroupCpus(const std::string& proc);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_CGROUP_CPUS_H_
