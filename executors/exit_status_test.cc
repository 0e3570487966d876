#include "multiproc/executors/exit_status.h"

#include <cstdint>
#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ExitStatusTest, ExitedHasACodeOnly) {
  const ExitStatus status = ExitStatus::Exited(3);
  EXPECT_TRUE(status.exited());
  EXPECT_FALSE(status.signaled());
  EXPECT_FALSE(status.unknown());
  EXPECT_FALSE(status.success());
  EXPECT_EQ(status.exit_code(), 3u);
  EXPECT_EQ(status.signal(), std::nullopt);
  EXPECT_FALSE(status.core_dumped());
  EXPECT_EQ(status.ToString(), "exited with code 3");
}

TEST(ExitStatusTest, OnlyCodeZeroIsSuccess) {
  EXPECT_TRUE(ExitStatus::Exited(0).success());
  EXPECT_EQ(ExitStatus::Exited(0).exit_code(), 0u);
  EXPECT_FALSE(ExitStatus::Exited(1).success());
  EXPECT_FALSE(ExitStatus::Signaled(9).success());
  EXPECT_FALSE(ExitStatus::Unknown().success());
}

TEST(ExitStatusTest, CodesOfThirtyTwoBitsSurvive) {
  const ExitStatus status = ExitStatus::Exited(0xC0000005);
  EXPECT_EQ(status.exit_code(), 0xC0000005);
  EXPECT_EQ(status.ToString(),
            "exited with code 0xC0000005 (STATUS_ACCESS_VIOLATION)");
  EXPECT_EQ(ExitStatus::Exited(0xC0FFEE00).ToString(),
            "exited with code 0xC0FFEE00");
  EXPECT_EQ(ExitStatus::Exited(123456789).ToString(),
            "exited with code 123456789");
}

TEST(ExitStatusTest, WindowsCodesOfSignalsAreSignalsAndNoOthersAre) {
  for (const int signal : {1, 9, 15, 255}) {
    const uint32_t code = ExitStatus::WindowsCodeOfSignal(signal);
    EXPECT_EQ(ExitStatus::FromWindowsCode(code), ExitStatus::Signaled(signal));
  }
  for (const uint32_t code :
       {0u, 1u, 9u, 259u, 0xC000013Au, 0xE04D5000u, 0xE04D5109u, 0xFFFFFFFFu}) {
    EXPECT_EQ(ExitStatus::FromWindowsCode(code), ExitStatus::Exited(code));
  }
}

TEST(ExitStatusTest, SignaledHasASignalOnly) {
  const ExitStatus status = ExitStatus::Signaled(9);
  EXPECT_TRUE(status.signaled());
  EXPECT_FALSE(status.exited());
  EXPECT_FALSE(status.unknown());
  EXPECT_EQ(status.signal(), 9);
  EXPECT_EQ(status.exit_code(), std::nullopt);
  EXPECT_FALSE(status.core_dumped());
  EXPECT_THAT(status.ToString(), HasSubstr("killed by signal 9 (Killed"));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("core")));
}

TEST(ExitStatusTest, CoreDumpIsTold) {
  const ExitStatus status = ExitStatus::Signaled(11, /*core_dumped=*/true);
  EXPECT_TRUE(status.core_dumped());
  EXPECT_THAT(status.ToString(), HasSubstr("killed by signal 11 ("));
  EXPECT_THAT(status.ToString(), HasSubstr("), core dumped"));
}

TEST(ExitStatusTest, SignalThatTheSystemDoesNotKnowHasItsNumber) {
  EXPECT_THAT(ExitStatus::Signaled(12345).ToString(),
              HasSubstr("killed by signal 12345"));
}

TEST(ExitStatusTest, UnknownHasNeitherCodeNorSignal) {
  const ExitStatus status = ExitStatus::Unknown();
  EXPECT_TRUE(status.unknown());
  EXPECT_FALSE(status.exited());
  EXPECT_FALSE(status.signaled());
  EXPECT_EQ(status.exit_code(), std::nullopt);
  EXPECT_EQ(status.signal(), std::nullopt);
  EXPECT_THAT(status.ToString(), HasSubstr("nobody knows how"));
  EXPECT_THAT(status.ToString(), HasSubstr("SIGCHLD"));
}

TEST(ExitStatusTest, EqualInKindAndNumberOnly) {
  EXPECT_EQ(ExitStatus::Exited(9), ExitStatus::Exited(9));
  EXPECT_EQ(ExitStatus::Signaled(9), ExitStatus::Signaled(9));
  EXPECT_EQ(ExitStatus::Unknown(), ExitStatus::Unknown());
  EXPECT_NE(ExitStatus::Exited(9), ExitStatus::Exited(8));
  EXPECT_NE(ExitStatus::Signaled(9), ExitStatus::Signaled(15));
  EXPECT_NE(ExitStatus::Exited(9), ExitStatus::Signaled(9));
  EXPECT_NE(ExitStatus::Exited(0), ExitStatus::Unknown());
  EXPECT_NE(ExitStatus::Signaled(0), ExitStatus::Unknown());
}

}  // namespace
}  // namespace multiproc
