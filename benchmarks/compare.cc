// Measures this library beside what the machine allows and what others reach,
// all in one run, and says which targets are met.
//
//   ./bazelw run -c opt //benchmarks:compare -- --quick
//
// Writes results.jsonl (every figure), table.md and chart.svg. Peers that are
// not there are named, and left out.

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "multiproc/benchmarks/chart.h"
#include "multiproc/benchmarks/comparison.h"
#include "multiproc/benchmarks/comparison_run.h"
#include "multiproc/benchmarks/effort.h"
#include "multiproc/benchmarks/machine.h"
#include "multiproc/benchmarks/measures.h"
#include "multiproc/benchmarks/program_runner.h"
#include "multiproc/benchmarks/programs.h"
#include "multiproc/benchmarks/table.h"

ABSL_FLAG(std::string, out, "",
          "The folder for results.jsonl, table.md and chart.svg, which is made "
          "if need be; the one where the command was given, if empty.");
ABSL_FLAG(std::vector<std::string>, only, {},
          "The rows of the table to measure, such as 1,3,8; all, if empty.");
ABSL_FLAG(std::vector<std::string>, path, {},
          "Folders to look for node and compilers in, before PATH.");

namespace multiproc {
namespace {

std::string GetEnvironment(const char* name) {
  const char* const value = getenv(name);
  return value == nullptr ? "" : value;
}

// Bazel runs programs elsewhere than where it was called.
std::string OutputFolder() {
  const std::string out = absl::GetFlag(FLAGS_out);
  const std::string caller = GetEnvironment("BUILD_WORKING_DIRECTORY");
  if (!out.empty() && (caller.empty() || out[0] == '/')) return out;
  if (caller.empty()) return ".";
  return out.empty() ? caller : absl::StrCat(caller, "/", out);
}

// The folder with the other programs and the peers' sources. `bazel run` starts
// this one in the folder above it, and by hand it is found by its name.
std::string ProgramFolder(const std::string& this_program) {
  for (const char* workspace : {"_main", "__main__", "multiproc"}) {
    const std::string folder =
        absl::StrCat(this_program, ".runfiles/", workspace, "/benchmarks");
    if (access((folder + "/peers").c_str(), F_OK) == 0) return folder;
  }
  return "benchmarks";
}

// In MiB; 4 GiB only where that leaves enough for all else.
std::vector<int64_t> ParentSizes() {
  std::vector<int64_t> sizes = {10, 1024};
  if (QuickOr(0, 1) == 1 && AvailableMib() > 6 * 1024) sizes.push_back(4096);
  return sizes;
}

bool IsWanted(const std::string& row) {
  const std::vector<std::string> only = absl::GetFlag(FLAGS_only);
  return only.empty() || std::find(only.begin(), only.end(), row) != only.end();
}

std::vector<Program> WantedPrograms(const std::string& folder,
                                    const std::vector<int64_t>& rss_mib) {
  std::vector<Program> wanted;
  for (const Program& program :
       AllPrograms({folder + "/pool_benchmark", folder + "/executor_benchmark",
                    rss_mib})) {
    if (std::any_of(program.rows.begin(), program.rows.end(), IsWanted)) {
      wanted.push_back(program);
    }
  }
  return wanted;
}

std::vector<Measure> WantedMeasures(const std::vector<int64_t>& rss_mib) {
  std::vector<Measure> wanted;
  for (const Measure& measure : Measures(rss_mib)) {
    if (IsWanted(measure.row)) wanted.push_back(measure);
  }
  return wanted;
}

ComparisonRunOptions RunOptions(const std::string& folder,
                                const std::string& out) {
  ComparisonRunOptions options;
  options.folder = folder;
  options.tool_folders = absl::GetFlag(FLAGS_path);
  options.results = out + "/results.jsonl";
  options.machine = DescribeMachine();
  if (absl::GetFlag(FLAGS_quick)) options.arguments = {"--quick"};
  options.program_time = absl::Seconds(QuickOr(15, 240));
  options.whole_time = absl::Seconds(QuickOr(117, 3600));
  return options;
}

std::string FormatFailures(
    const std::map<std::string, std::set<std::string>>& failures) {
  std::string text = failures.empty() ? "" : "Not measured:\n";
  for (const auto& [reason, who] : failures) {
    absl::StrAppend(&text, "  ", absl::StrJoin(who, ", "), ": ", reason, "\n");
  }
  return text;
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush().good()) {
    absl::FPrintF(stderr, "%s can't be written\n", path);
  }
}

int CompareAll(const std::string& this_program) {
  const std::string folder = ProgramFolder(this_program);
  const std::string out = OutputFolder();
  // Not after a quarter of an hour.
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) {
    absl::FPrintF(stderr, "--out: %s can't be made: %s\n", out,
                  error.message());
    return 1;
  }
  const std::string machine = DescribeMachine();
  const double load_before = LoadAverage();
  const std::vector<int64_t> rss_mib = ParentSizes();
  absl::FPrintF(stderr, "%s\n", machine);
  ComparisonRun run(RunOptions(folder, out));
  run.Add(WantedPrograms(folder, rss_mib));

  const std::vector<Comparison> comparisons =
      Compare(WantedMeasures(rss_mib), run.log());
  const std::string text = absl::StrCat(
      FormatTable(comparisons), "\n", FormatVerdicts(comparisons),
      FormatFailures(run.failures()), machine,
      absl::StrFormat("; load %.2f before, %.2f after\n", load_before,
                      LoadAverage()),
      "\"~\": other processes used over 5 % of a CPU meanwhile.\n");
  std::fputs(text.c_str(), stdout);
  WriteFile(out + "/table.md", text);
  WriteFile(out + "/chart.svg", FormatChart(comparisons, machine));
  return 0;
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Measures multiproc beside bare pipes and processes, and beside other "
      "libraries.\n\n"
      "  ./bazelw run -c opt //benchmarks:compare -- [--quick] [--only=1,3,8]\n"
      "      [--out=FOLDER] [--path=FOLDER,FOLDER]\n\n"
      "--quick takes less than two minutes, and measures less exactly.\n"
      "Writes results.jsonl, table.md and chart.svg.");
  absl::ParseCommandLine(argc, argv);
  multiproc::EndProgramsOnSignals();
  return multiproc::CompareAll(argv[0]);
}
