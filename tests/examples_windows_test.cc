// What the example prints to a console, as a person sees it there. Each
// character of it can be asked for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_text.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;

constexpr COORD kSize = {100, 60};

// A screen of the test's own.
ScopedFileHandle MakeScreen() {
  SECURITY_ATTRIBUTES inheritable = {sizeof(inheritable), nullptr, TRUE};
  ScopedFileHandle screen(CreateConsoleScreenBuffer(
      GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
      &inheritable, CONSOLE_TEXTMODE_BUFFER, nullptr));
  SetConsoleScreenBufferSize(screen.get(), kSize);
  return screen;
}

bool IsWide(wchar_t character) { return character >= 0x2E80; }

// A wide character has two cells, and may be given once or for each of them.
std::wstring WithoutSecondCells(const std::wstring& cells) {
  std::wstring text;
  for (size_t i = 0; i < cells.size(); ++i) {
    text += cells[i];
    if (IsWide(cells[i]) && i + 1 < cells.size() && cells[i + 1] == cells[i]) {
      ++i;
    }
  }
  return text;
}

// A line for each row of the screen.
std::string TextOn(const ScopedFileHandle& screen) {
  std::string text;
  for (SHORT row = 0; row < kSize.Y; ++row) {
    std::wstring cells(kSize.X, L' ');
    DWORD count = 0;
    ReadConsoleOutputCharacterW(screen.get(), cells.data(), kSize.X,
                                COORD{0, row}, &count);
    const std::string line = ToUtf8(WithoutSecondCells(cells.substr(0, count)));
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

TEST(ExamplesOnAConsoleTest, ChineseIsShownAsItIs) {
  ASSERT_TRUE(HasConsole());
  const ScopedFileHandle screen = MakeScreen();
  ASSERT_TRUE(screen.is_valid());
  Command command = Command::Program(std::getenv("EXAMPLE_POOL"));
  command.standard_output = Stdio::Handle(screen.get());
  absl::StatusOr<Process> process = (*DefaultExecutor())->Spawn(command);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(*process->Wait(), ExitStatus::Exited(0));
  const std::string text = TextOn(screen);
  for (const char* line :
       {"-----------循环------------\n", "第0次循环\n", "第4次循环完了\n",
        "-----------下面是close-------------\n",
        "----------join完了-----------\nall subprocesses done\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace multiproc
