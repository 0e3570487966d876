// A worker that the kernel kills for want of memory, truly: the test moves
// itself into a control group of its own that has little. It needs to be
// allowed to make one, as root in a container of control groups of version 1
// mostly is; elsewhere it is skipped. What a kill is known by is tested without
// it in executors/oom_kills_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multiproc/executors/cgroups.h"
#include "multiproc/executors/oom_kills.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/process_pool.h"
#include "tests/backends.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

constexpr size_t kGroupBytes = size_t{256} << 20;

// Touches four times what the group may have, and has it all at the end.
int64_t TakeMemory() {
  std::vector<std::unique_ptr<std::string>> all;
  for (size_t i = 0; i < 4 * kGroupBytes; i += size_t{1} << 20) {
    all.push_back(std::make_unique<std::string>(size_t{1} << 20, 'x'));
  }
  return static_cast<int64_t>(all.size());
}
MULTIPROC_FUNCTION(TakeMemory);

int64_t Same(int64_t n) { return n; }
MULTIPROC_FUNCTION(Same);

void KillMyself() { DieBySignal(kSigKill); }
MULTIPROC_FUNCTION(KillMyself);

bool WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

// This process is in a group of at most kGroupBytes as long as it lives.
class ScopedSmallGroup {
 public:
  ScopedSmallGroup() {
    if (!Enter(CgroupVersion::k1, "memory", "memory.limit_in_bytes", "")) {
      Enter(CgroupVersion::k2, "", "memory.max", "memory.swap.max");
    }
  }
  ~ScopedSmallGroup() {
    if (folder_.empty()) return;
    EXPECT_TRUE(WriteText(parent_ + "/cgroup.procs", absl::StrCat(getpid())));
    // Until its last process is collected.
    const absl::Time end = absl::Now() + absl::Seconds(20);
    while (rmdir(folder_.c_str()) != 0 && absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  bool entered() const { return !folder_.empty(); }

 private:
  bool Enter(CgroupVersion version, const char* controller, const char* limit,
             const char* swap_limit) {
    const std::vector<std::string> folders =
        Cgroups("/proc").Folders(version, controller);
    if (folders.empty()) return false;
    parent_ = folders.front();
    const std::string folder =
        absl::StrCat(parent_, "/multiproc_oom_kill_test_", getpid());
    if (mkdir(folder.c_str(), 0755) != 0) return false;
    if (swap_limit[0] != '\0') WriteText(folder + "/" + swap_limit, "0");
    if (WriteText(folder + "/" + limit, absl::StrCat(kGroupBytes)) &&
        WriteText(folder + "/cgroup.procs", absl::StrCat(getpid()))) {
      folder_ = folder;
      return true;
    }
    rmdir(folder.c_str());
    return false;
  }

  std::string parent_;
  std::string folder_;
};

class OomKillTest : public BackendTest {};

TEST_P(OomKillTest, TheFailureSaysThatTheKernelKilledForWantOfMemory) {
  const ScopedSmallGroup group;
  if (!group.entered()) GTEST_SKIP() << "may not make a control group";
  if (!FindOomKillCounter()().has_value()) {
    GTEST_SKIP() << "the kernel does not count its kills";
  }
  ProcessPoolOptions options;
  options.num_workers = 1;
  options.executor = &executor();
  auto pool = ProcessPool::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  const auto lost = (*pool)->Submit(TakeMemory);
  const auto behind = (*pool)->Submit(Same, 7);
  const absl::Status status = lost.Get().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(),
              HasSubstr("by the kernel's out-of-memory killer"));
  ASSERT_TRUE(GetTaskFailure(status).has_value());
  EXPECT_EQ(GetTaskFailure(status)->signal(), kSigKill);
  EXPECT_TRUE(GetTaskFailure(status)->oom_killed());
  EXPECT_EQ(*behind.Get(), 7);
  EXPECT_EQ((*pool)->Stats().worker_ends.oom_killed, 1u);

  // Somebody else's kill is known from it.
  const auto killed = (*pool)->Submit(KillMyself);
  const absl::Status other = killed.Get();
  ASSERT_TRUE(GetTaskFailure(other).has_value()) << other;
  EXPECT_TRUE(GetTaskFailure(other)->has_oom_killed());
  EXPECT_FALSE(GetTaskFailure(other)->oom_killed());
  EXPECT_EQ((*pool)->Stats().worker_ends.oom_killed, 1u);
}

MULTIPROC_FOR_EVERY_BACKEND(OomKillTest);

}  // namespace
}  // namespace multiproc
