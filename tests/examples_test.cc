// The tutorial's two programs, by rule: pids, times, and the order among
// children differ from run to run. And the others, by what they print.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "multiproc/executors/default_executor.h"
#include "tests/backends.h"
#include "tests/read_text.h"
#include "tests/temp_path.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Matcher;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class ExamplesTest : public BackendTest {
 protected:
  using Environment = std::map<std::string, std::optional<std::string>>;

  std::vector<std::string> Run(const char* variable,
                               std::vector<std::string> arguments = {},
                               Environment environment = {}) {
    Command command = Command::Program(getenv(variable), std::move(arguments));
    command.environment = std::move(environment);
    command.environment["MULTIPROC_EXECUTOR"] = GetParam();
    command.standard_output = Stdio::Pipe();
    absl::StatusOr<Process> process = executor().Spawn(command);
    EXPECT_TRUE(process.ok()) << process.status();
    pid_ = process->pid();
    const std::string text = ReadText(process->standard_output().get());
    EXPECT_EQ(process->Wait()->ToString(), "exited with code 0");
    std::vector<std::string> lines = absl::StrSplit(text, '\n');
    EXPECT_EQ(lines.back(), "");
    lines.pop_back();
    return lines;
  }

  int64_t pid_ = 0;
};

// The numbers of a PNG's header (its specification, 11.2.1 IHDR).
int BigEndian(const std::string& bytes, size_t at) {
  int number = 0;
  for (size_t i = at; i < at + 4; ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return number;
}

std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_P(ExamplesTest, MandelbrotIsTheSamePictureByAnyNumberOfWorkers) {
  std::vector<std::string> pictures;
  for (const char* workers : {"--workers=1", "--workers=2"}) {
    const std::string png = TempPath("m.png");
    const std::string trace = TempPath("m.json");
    Run("EXAMPLE_MANDELBROT", {workers, "--size=100", "--depth=50",
                               "--png=" + png, "--trace=" + trace});
    pictures.push_back(BytesOf(png));
    const std::string events = BytesOf(trace);
    EXPECT_EQ(events.substr(events.size() - 3), "\n]\n");
    EXPECT_NE(events.find("\"name\":\"DrawTile\""), std::string::npos);
  }
  ASSERT_GT(pictures[0].size(), 200u) << "a picture of one colour is shorter";
  EXPECT_EQ(pictures[0].substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(BigEndian(pictures[0], 16), 100);
  EXPECT_EQ(BigEndian(pictures[0], 20), 100);
  EXPECT_EQ(pictures[0], pictures[1]);
}

TEST_P(ExamplesTest, ProcessStartsFourChildren) {
  const std::vector<std::string> lines = Run("EXAMPLE_PROCESS");
  ASSERT_EQ(lines.size(), 5);
  EXPECT_EQ(lines[0], absl::StrCat("Parent process ", pid_));
  std::set<int> names;
  std::set<int64_t> pids = {pid_};
  for (size_t i = 1; i < lines.size(); ++i) {
    int name = 0;
    int pid = 0;
    ASSERT_EQ(
        std::sscanf(lines[i].c_str(), "child process %d (%d)", &name, &pid), 2)
        << lines[i];
    EXPECT_EQ(lines[i],
              absl::StrCat("child process ", name, " (", pid, ") Runing"));
    names.insert(name);
    pids.insert(pid);
  }
  EXPECT_EQ(names, (std::set<int>{1, 2, 3, 4}));
  EXPECT_EQ(pids.size(), 5);
}

struct PoolOutput {
  std::vector<std::string> parent;  // The parent's lines, in their order.
  std::vector<std::pair<int, int>> starts;  // Task and pid.
  std::vector<int> ends;
  // For each start, the tasks that had ended before it.
  std::vector<std::vector<int>> ended_before;
};

PoolOutput Parse(const std::vector<std::string>& lines) {
  PoolOutput output;
  for (const std::string& line : lines) {
    int task = 0;
    int pid = 0;
    double cost = 0;
    if (std::sscanf(line.c_str(), "Task %d (pid = %d)", &task, &pid) == 2) {
      EXPECT_EQ(line,
                absl::StrCat("Task ", task, " (pid = ", pid, ") is runnig..."));
      output.ended_before.push_back(output.ends);
      output.starts.emplace_back(task, pid);
    } else if (std::sscanf(line.c_str(), "Task %d end cost %lf", &task,
                           &cost) == 2) {
      EXPECT_EQ(line, absl::StrFormat("Task %d end cost %.2fs", task, cost));
      EXPECT_GE(cost, 0);
      output.ends.push_back(task);
    } else {
      output.parent.push_back(line);
    }
  }
  return output;
}

std::vector<std::string> ExpectedParentLines(int64_t pid) {
  std::vector<std::string> lines = {absl::StrCat("Current process ", pid),
                                    "-----------循环------------"};
  for (int i = 0; i < 5; ++i) {
    lines.push_back(absl::StrCat("第", i, "次循环"));
    lines.push_back(absl::StrCat("第", i, "次循环完了"));
  }
  for (const char* line :
       {"waiting for all subprocesses done ...",
        "-----------下面是close-------------",
        "------------下面是join-----------------",
        "----------join完了-----------", "all subprocesses done"}) {
    lines.push_back(line);
  }
  return lines;
}

// Who runs the fourth and the fifth task: a worker that has ended its own.
void ExpectFreeWorkersTakeOver(const PoolOutput& output) {
  std::map<int, int> last_task;  // By pid.
  for (size_t i = 0; i < output.starts.size(); ++i) {
    const auto& [task, pid] = output.starts[i];
    const auto last = last_task.find(pid);
    if (last != last_task.end()) {
      EXPECT_THAT(output.ended_before[i], testing::Contains(last->second))
          << "task " << task << " began on a busy worker";
    }
    last_task[pid] = task;
  }
  EXPECT_EQ(last_task.size(), 3) << "exactly three workers";
}

TEST_P(ExamplesTest, PoolRunsFiveTasksOnThreeWorkers) {
  const std::vector<std::string> lines = Run("EXAMPLE_POOL");
  const PoolOutput output = Parse(lines);
  EXPECT_THAT(output.parent, ElementsAreArray(ExpectedParentLines(pid_)));
  EXPECT_EQ(lines[lines.size() - 2], "----------join完了-----------")
      << "Join comes back after all tasks";
  ASSERT_EQ(output.starts.size(), 5);
  EXPECT_EQ(std::set<int>(output.ends.begin(), output.ends.end()).size(), 5);
  // Each worker has one of the first three, also one that starts when another
  // has ended its first already.
  std::map<int, int> first_tasks;  // By pid.
  for (const auto& [task, pid] : output.starts) first_tasks.emplace(pid, task);
  std::set<int> first_three;
  for (const auto& [pid, task] : first_tasks) first_three.insert(task);
  EXPECT_EQ(first_three, (std::set<int>{0, 1, 2}));
  ExpectFreeWorkersTakeOver(output);
}

void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST_P(ExamplesTest, WordcountCountsTheFilesOfFoldersAndThoseThatAreNamed) {
  const std::filesystem::path folder = TempPath("words");
  std::filesystem::create_directories(folder / "deeper");
  WriteText(folder / "a.txt", "The cat, the DOG\nand the cat.");
  WriteText(folder / "deeper" / "b.txt", "cat\xC3\xA9 cat");
  WriteText(folder / "empty", "");
  const std::string alone = TempPath("alone");
  WriteText(alone, "dog");
  EXPECT_EQ(Run("EXAMPLE_WORDCOUNT", {folder.string(), alone}),
            (std::vector<std::string>{
                "        3  cat", "        3  the", "        2  dog",
                "        1  and", "        1  cat\xC3\xA9",
                "10 words, 5 different, in 4 files; 0 failed"}));
}

// The last two by the catalogue of parametrised CRC algorithms, CRC-32/ISCSI.
TEST_P(ExamplesTest, ChecksumOfTheFilesOfFoldersAndThoseThatAreNamed) {
  const std::filesystem::path folder = TempPath("tree");
  std::filesystem::create_directories(folder / "deeper");
  WriteText(folder / "deeper" / "check", "123456789");
  WriteText(folder / "empty", "");
  const std::string alone = TempPath("alone_too");
  WriteText(alone, std::string(300'000, 'x') + "123456789");
  std::vector<std::string> lines =
      Run("EXAMPLE_CHECKSUM", {folder.string(), alone});
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines.back(), "3 files, 0 failed, 0 cancelled");
  lines.pop_back();
  const std::string slash(1, std::filesystem::path::preferred_separator);
  EXPECT_THAT(lines,
              UnorderedElementsAre(
                  absl::StrCat("00000000  ", folder.string(), slash, "empty"),
                  absl::StrCat("e3069283  ", folder.string(), slash, "deeper",
                               slash, "check"),
                  EndsWith(alone)));
}

// On Windows a crash may wait for a debugger, until the task's time is over.
TEST_P(ExamplesTest, IsolateListsWhatCrashesAndDoesTheRest) {
  Environment environment;
  for (const char* sanitizer : {"ASAN_OPTIONS", "TSAN_OPTIONS"}) {
    // They would take seconds to find that a stack comes to its end, and to say
    // so.
    const char* const options = getenv(sanitizer);
    environment[sanitizer] =
        absl::StrCat(options == nullptr ? "" : options,
                     ":handle_segv=0:detect_stack_use_after_return=0");
  }
  std::vector<std::string> lines = Run("EXAMPLE_ISOLATE", {}, environment);
  // What Wine's debugger says.
  lines.erase(std::remove_if(lines.begin(), lines.end(),
                             [](const std::string& line) {
                               return line.find("WineDbg") == 0;
                             }),
              lines.end());
  const auto crashed = [&](const char* file) -> Matcher<std::string> {
    if (is_windows()) return HasSubstr(absl::StrCat(" ", file, ": "));
    return StartsWith(absl::StrCat("crashed  ", file, ": "));
  };
  const Matcher<std::string> sum =
      is_windows() ? StartsWith("5 files: ")
                   : StartsWith("5 files: 2 crashed 1 hung 1 parsed 1 refused");
  EXPECT_THAT(
      lines,
      ElementsAre(StartsWith("hung     cut: "), crashed("deep"),
                  "parsed   good: 2382", crashed("long"),
                  "refused  other: it is no bencode, or can't be read", sum));
}

MULTIPROC_FOR_EVERY_BACKEND(ExamplesTest);

}  // namespace
}  // namespace multiproc
