// A program with more privileges than who starts it: set-user-ID.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "multiproc/executors/default_executor.h"
#include "multiproc/proto/task.pb.h"
#include "tests/backends.h"
#include "tests/read_text.h"
#include "tests/temp_path.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class PrivilegesTest : public BackendTest {
 protected:
  // A copy of the program that is another user's, and runs as that.
  void SetUp() override {
    path_ = TempPath("set_user_id");
    std::filesystem::copy_file(getenv("WHOLE_PROGRAM"), path_);
    constexpr uid_t kNobody = 65534;
    if (chown(path_.c_str(), kNobody, static_cast<gid_t>(-1)) != 0 ||
        chmod(path_.c_str(), 04755) != 0) {
      GTEST_SKIP() << "may not make a program another user's";
    }
    struct statvfs system = {};
    statvfs(path_.c_str(), &system);
    if ((system.f_flag & ST_NOSUID) != 0) GTEST_SKIP() << "mounted nosuid";
#ifdef __linux__
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
      GTEST_SKIP() << "a sandbox that lets nobody gain privileges";
    }
#endif
  }
  void TearDown() override { std::filesystem::remove(path_); }

  Process Start(Command command) {
    command.environment["MULTIPROC_EXECUTOR"] = GetParam();
    command.standard_output = Stdio::Pipe();
    command.standard_error = Stdio::Pipe();
    absl::StatusOr<Process> process = executor().Spawn(command);
    EXPECT_TRUE(process.ok()) << process.status();
    return process.ok() ? *std::move(process) : Process();
  }

  std::string path_;
};

// Otherwise whoever starts it could run anything as that user.
TEST_P(PrivilegesTest, ACallInTheEnvironmentIsRefused) {
  ChildStart start;
  start.mutable_call()->set_function("Anything");
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  ASSERT_TRUE(pipe.ok()) << pipe.status();
  ASSERT_TRUE(WriteAll(pipe->write_end.get(), start.SerializeAsString()).ok());
  pipe->write_end.reset();
  Command command = Command::Program(path_, {"function"});
  command.inherited_handles = {pipe->read_end.get()};
  command.environment["MULTIPROC_CHILD"] = "3";
  Process program = Start(command);
  EXPECT_THAT(ReadText(program.standard_error().get()),
              HasSubstr("MULTIPROC_CHILD=3 in the environment, but this "
                        "program has more privileges than who started it"));
  EXPECT_EQ(*program.Wait(), ExitStatus::Exited(1));
}

TEST_P(PrivilegesTest, FunctionsNeedTheForkBackend) {
  Process program = Start(Command::Program(path_, {"function"}));
  const std::string text = ReadText(program.standard_output().get());
  if (is_fork()) {
    EXPECT_EQ(text, "child\nchild stream\nexited with code 0\n");
  } else {
    EXPECT_THAT(text, StartsWith("FAILED_PRECONDITION: this program has more "
                                 "privileges than who started it"));
  }
  EXPECT_EQ(*program.Wait(), ExitStatus::Exited(0));
}

MULTIPROC_FOR_EVERY_BACKEND(PrivilegesTest);

}  // namespace
}  // namespace multiproc
