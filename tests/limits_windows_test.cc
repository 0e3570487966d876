// Limits that take effect on Windows; the counterpart of limits_posix_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/time/time.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/limits.h"
#include "multiproc/executors/windows_api.h"
#include "tests/executor_fixture.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

void PrintPriority() { printf("%lu", GetPriorityClass(GetCurrentProcess())); }
MULTIPROC_FUNCTION(PrintPriority);

// Of the job that this process is in: flags, memory, 100 ns, CPUs.
void PrintJob() {
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {};
  QueryInformationJobObject(nullptr, JobObjectExtendedLimitInformation, &limits,
                            sizeof(limits), nullptr);
  const JOBOBJECT_BASIC_LIMIT_INFORMATION& basic = limits.BasicLimitInformation;
  printf("%llu %lld %llu",
         static_cast<unsigned long long>(limits.ProcessMemoryLimit),  // NOLINT
         basic.PerProcessUserTimeLimit.QuadPart,
         static_cast<unsigned long long>(basic.Affinity));  // NOLINT
}
MULTIPROC_FUNCTION(PrintJob);

class LimitsTest : public ExecutorTest {};

TEST_P(LimitsTest, NiceIsAClassOfPriority) {
  const struct {
    int nice;
    int priority;
  } kCases[] = {{19, IDLE_PRIORITY_CLASS},
                {5, BELOW_NORMAL_PRIORITY_CLASS},
                {0, NORMAL_PRIORITY_CLASS},
                {-5, ABOVE_NORMAL_PRIORITY_CLASS},
                {-20, HIGH_PRIORITY_CLASS}};
  for (const auto& [nice, priority] : kCases) {
    Command command = Command::Function(PrintPriority);
    command.limits.nice = nice;
    EXPECT_EQ(OutputOf(command), std::to_string(priority));
  }
}

TEST_P(LimitsTest, ItsJobHasTheOthers) {
  Command command = Command::Function(PrintJob);
  command.limits.memory_bytes = uint64_t{1} << 30;
  command.limits.cpu_time = absl::Seconds(5);
  command.limits.cpus = {0};
  const std::string text = OutputOf(command);
  if (text == "0 0 0") GTEST_SKIP() << "Wine does not keep limits of jobs";
  EXPECT_EQ(text, "1073741824 50000000 1");
  command.limits.cpu_time = absl::Minutes(1) + absl::Nanoseconds(1);
  EXPECT_EQ(OutputOf(command), "1073741824 600000001 1");
}

TEST_P(LimitsTest, WhatWindowsHasNotIsUnimplemented) {
  Limits files, core, size, mask, session;
  files.open_files = 64;
  core.core_bytes = 0;
  size.file_bytes = 1;
  mask.umask = 0;
  session.new_session = true;
  for (const Limits& limits : {files, core, size, mask, session}) {
    Command command = Child({"exit", "0"});
    command.limits = limits;
    const absl::Status status = SpawnError(command);
    EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("limits."));
  }
}

MULTIPROC_FOR_EVERY_BACKEND(LimitsTest);

}  // namespace
}  // namespace multiproc
