#include "multiproc/executors/oom_kills.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/current_process.h"

namespace multiproc {
namespace {

std::string Events(int oom_kills) {
  return absl::StrCat("low 0\nhigh 7\nmax 9\noom 5\noom_kill ", oom_kills,
                      "\noom_group_kill 1\n");
}

std::string OomControl(int oom_kills) {
  return absl::StrCat("oom_kill_disable 0\nunder_oom 0\noom_kill ", oom_kills,
                      "\n");
}

std::string Vmstat(int oom_kills) {
  return absl::StrCat("nr_free_pages 12\noom_kill ", oom_kills,
                      "\npgfault 3\n");
}

// A folder with a /proc and mounts of control groups.
class OomKillsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    static int count = 0;
    root_ = absl::StrCat(testing::TempDir(), "/oom_kills_", CurrentPid(), "_",
                         ++count);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  // Version 2 at /cgroup, version 1 at /memory, either if its group is not
  // empty.
  void Use(const std::string& v2_group, const std::string& v1_group = "") {
    std::string groups = "1:cpuset:/\n";
    if (!v2_group.empty()) absl::StrAppend(&groups, "0::", v2_group, "\n");
    if (!v1_group.empty()) absl::StrAppend(&groups, "5:memory:", v1_group);
    Write("/proc/self/cgroup", groups);
    Write("/proc/self/mountinfo",
          absl::StrCat("31 22 0:27 / ", root_, "/cgroup rw - cgroup2 none rw\n",
                       "41 22 0:31 / ", root_,
                       "/memory rw - cgroup cgroup rw,memory\n"));
  }

  OomKillCounter Find() const { return FindOomKillCounter(root_ + "/proc"); }

  std::string root_;
};

TEST_F(OomKillsTest, WithoutAnyFileThereIsNoCounter) {
  EXPECT_EQ(Find()(), std::nullopt);
  Use("/app", "/app");
  EXPECT_EQ(Find()(), std::nullopt);
}

TEST_F(OomKillsTest, TheGroupOfVersionTwoCounts) {
  Use("/app", "/app");
  Write("/cgroup/app/memory.events", Events(3));
  Write("/memory/app/memory.oom_control", OomControl(20));
  Write("/proc/vmstat", Vmstat(100));
  EXPECT_EQ(Find()(), 3);
}

TEST_F(OomKillsTest, TheCounterIsReadAtEachCall) {
  Use("/app");
  Write("/cgroup/app/memory.events", Events(3));
  const OomKillCounter counter = Find();
  EXPECT_EQ(counter(), 3);
  Write("/cgroup/app/memory.events", Events(4));
  EXPECT_EQ(counter(), 4);
  // The same one, wherever this process is moved to.
  Use("/other");
  Write("/cgroup/other/memory.events", Events(9));
  EXPECT_EQ(counter(), 4);
  std::filesystem::remove_all(root_ + "/cgroup/app");
  EXPECT_EQ(counter(), std::nullopt);
}

TEST_F(OomKillsTest, OfVersionTwoTheNearestAboveThatHasItCounts) {
  Use("/slice/app/task");
  Write("/cgroup/slice/memory.events", Events(8));
  EXPECT_EQ(Find()(), 8);
  Write("/cgroup/slice/app/memory.events", Events(2));
  EXPECT_EQ(Find()(), 2);
}

TEST_F(OomKillsTest, VersionOneCountsWhereVersionTwoHasNoMemory) {
  Use("/app", "/app");
  Write("/memory/app/memory.oom_control", OomControl(5));
  Write("/proc/vmstat", Vmstat(100));
  EXPECT_EQ(Find()(), 5);
}

TEST_F(OomKillsTest, OfVersionOneTheGroupsAboveDoNotCountItsKills) {
  Use("", "/app");
  Write("/memory/memory.oom_control", OomControl(6));
  Write("/proc/vmstat", Vmstat(100));
  EXPECT_EQ(Find()(), 100);
}

TEST_F(OomKillsTest, AnOldVersionOneHasNoCounter) {
  Use("", "/app");
  Write("/memory/app/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
  EXPECT_EQ(Find()(), std::nullopt);
  Write("/proc/vmstat", Vmstat(7));
  EXPECT_EQ(Find()(), 7);
}

TEST_F(OomKillsTest, TheMachineCountsWhereThereAreNoGroups) {
  Write("/proc/vmstat", Vmstat(11));
  EXPECT_EQ(Find()(), 11);
}

TEST_F(OomKillsTest, NonsenseIsNoCounter) {
  Use("/app");
  for (const char* text : {"", "oom_kill\n", "oom_kill x\n", "oom_kill -1\n",
                           "oom_kills 3\n", "oom 3\n", "oom_kill  \n"}) {
    Write("/cgroup/app/memory.events", text);
    EXPECT_EQ(Find()(), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace multiproc
