#include "multiproc/executors/cgroup_cpus.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/cpu_count.h"
#include "multiproc/executors/current_process.h"

namespace multiproc {
namespace {

// A folder with a /proc and mounts of control groups.
class CgroupCpusTest : public ::testing::Test {
 protected:
  void SetUp() override {
    static int count = 0;
    root_ = absl::StrCat(testing::TempDir(), "/cgroups_", CurrentPid(), "_",
                         ++count);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  // `group` of version 2, of which `shown` and what is below is mounted.
  void UseV2(const std::string& group, const std::string& shown = "/") {
    Write("/proc/self/cgroup", absl::StrCat("0::", group, "\n"));
    Write("/proc/self/mountinfo",
          absl::StrCat("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "31 22 0:27 ",
                       shown, " ", root_,
                       "/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"));
  }

  void UseV1(const std::string& group) {
    Write("/proc/self/cgroup",
          absl::StrCat("5:memory:/\n4:cpu,cpuacct:", group, "\n1:cpuset:/\n"));
    Write(
        "/proc/self/mountinfo",
        absl::StrCat("40 22 0:30 / ", root_,
                     "/cpuset rw - cgroup cgroup rw,cpuset\n", "41 22 0:31 / ",
                     root_, "/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"));
  }

  void WriteV1(const std::string& group, const std::string& quota,
               const std::string& period) {
    Write("/cpu" + group + "/cpu.cfs_quota_us", quota + "\n");
    Write("/cpu" + group + "/cpu.cfs_period_us", period + "\n");
  }

  std::optional<int> Cpus() const { return CgroupCpus(root_ + "/proc"); }

  std::string root_;
};

TEST_F(CgroupCpusTest, WithoutGroupsThereIsNoQuota) {
  EXPECT_EQ(Cpus(), std::nullopt);
  Write("/proc/self/cgroup", "0::/\n");
  EXPECT_EQ(Cpus(), std::nullopt);
}

TEST_F(CgroupCpusTest, MaxIsNoQuota) {
  UseV2("/app");
  Write("/cgroup/app/cpu.max", "max 100000\n");
  EXPECT_EQ(Cpus(), std::nullopt);
}

TEST_F(CgroupCpusTest, AQuotaIsRoundedUp) {
  UseV2("/app");
  const struct {
    const char* text;
    int cpus;
  } kCases[] = {{"100000 100000\n", 1}, {"100001 100000\n", 2},
                {"150000 100000\n", 2}, {"50000 100000\n", 1},
                {"1000 1000000\n", 1},  {"800000 100000\n", 8}};
  for (const auto& [text, cpus] : kCases) {
    Write("/cgroup/app/cpu.max", text);
    EXPECT_EQ(Cpus(), cpus) << text;
  }
}

TEST_F(CgroupCpusTest, TheLeastQuotaOfThoseAboveCounts) {
  UseV2("/slice/app/task");
  Write("/cgroup/slice/app/task/cpu.max", "400000 100000\n");
  Write("/cgroup/slice/app/cpu.max", "max 100000\n");
  Write("/cgroup/slice/cpu.max", "250000 100000\n");
  EXPECT_EQ(Cpus(), 3);
  Write("/cgroup/slice/app/task/cpu.max", "200000 100000\n");
  EXPECT_EQ(Cpus(), 2);
}

TEST_F(CgroupCpusTest, WhatIsMountedMayBeAPart) {
  UseV2("/docker/abc/inner", /*shown=*/"/docker/abc");
  Write("/cgroup/cpu.max", "500000 100000\n");
  EXPECT_EQ(Cpus(), 5);
  Write("/cgroup/inner/cpu.max", "300000 100000\n");
  EXPECT_EQ(Cpus(), 3);
  // Another one whose name begins alike.
  UseV2("/docker/abcd", /*shown=*/"/docker/abc");
  Write("/cgroup/cpu.max", "500000 100000\n");
  EXPECT_EQ(Cpus(), 5);
}

TEST_F(CgroupCpusTest, TheMountThatShowsTheGroupCounts) {
  Write("/proc/self/cgroup", "0::/docker/abc\n");
  const auto mount = [this](const char* shown, const char* at) {
    return absl::StrCat("31 22 0:27 ", shown, " ", root_, at,
                        " rw - cgroup2 cgroup2 rw\n");
  };
  Write("/proc/self/mountinfo",
        absl::StrCat(mount("/docker/other", "/other"), mount("/", "/cgroup")));
  Write("/other/cpu.max", "100000 100000\n");
  Write("/cgroup/docker/abc/cpu.max", "400000 100000\n");
  EXPECT_EQ(Cpus(), 4);
  // The first, if none shows it.
  Write("/proc/self/cgroup", "0::/elsewhere\n");
  Write("/proc/self/mountinfo",
        absl::StrCat(mount("/docker/other", "/other"),
                     mount("/docker/abc", "/cgroup/docker/abc")));
  EXPECT_EQ(Cpus(), 1);
}

TEST_F(CgroupCpusTest, AGroupWithoutAPathIsTheTop) {
  for (const char* group : {"", "app", "app/inner"}) {
    UseV2(group);
    Write("/cgroup/cpu.max", "200000 100000\n");
    EXPECT_EQ(Cpus(), 2) << group;
  }
  UseV2("", /*shown=*/"/docker/abc");
  EXPECT_EQ(Cpus(), 2);
}

TEST_F(CgroupCpusTest, VersionOneHasTwoFiles) {
  UseV1("/app");
  WriteV1("/app", "150000", "50000");
  EXPECT_EQ(Cpus(), 3);
  WriteV1("", "100000", "100000");
  EXPECT_EQ(Cpus(), 1);
  WriteV1("/app", "-1", "100000");
  WriteV1("", "-1", "100000");
  EXPECT_EQ(Cpus(), std::nullopt);
}

TEST_F(CgroupCpusTest, NonsenseIsNoQuota) {
  UseV2("/app");
  for (const char* text :
       {"", "\n", "max\n", "100000\n", "0 100000\n", "100000 0\n", "a b\n",
        "-5 100000\n", "1 2 3\n", "99999999999999999999 1\n"}) {
    Write("/cgroup/app/cpu.max", text);
    EXPECT_EQ(Cpus(), std::nullopt) << text;
  }
  Write("/proc/self/mountinfo", "rubbish\n - \n1 2 3 - cgroup2 a b\n");
  EXPECT_EQ(Cpus(), std::nullopt);
}

TEST_F(CgroupCpusTest, AFolderMayHaveASpace) {
  Write("/proc/self/cgroup", "0::/app\n");
  Write("/proc/self/mountinfo",
        absl::StrCat("31 22 0:27 / ", root_,
                     "/my\\040cgroup rw - cgroup2 cgroup2 rw\n"));
  Write("/my cgroup/app/cpu.max", "200000 100000\n");
  EXPECT_EQ(Cpus(), 2);
}

TEST(CpuCountTest, IsOneAtLeastAndWithinTheQuota) {
  EXPECT_GE(CountCpus(), 1);
  EXPECT_LE(CountCpus(), CgroupCpus("/proc").value_or(CountCpus()));
}

#ifdef __linux__
TEST(CpuCountTest, FollowsTheAffinity) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  int first = 0;
  while (CPU_ISSET(first, &before) == 0) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(CountCpus(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}
#endif

}  // namespace
}  // namespace multiproc
