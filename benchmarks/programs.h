// The programs that take the figures of each row.
//
//   for (const Program& program : AllPrograms(settings)) {
//     RunProgram(*RunCommand(program, file, toolbox), timeout, scratch);
//   }
//
// Stateless, and so thread-safe.

#ifndef MULTIPROC_BENCHMARKS_PROGRAMS_H_
#define MULTIPROC_BENCHMARKS_PROGRAMS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/benchmarks/toolbox.h"

namespace multiproc {

// How a program is made ready to run.
enum class Language { kBinary, kPython, kNode, kCpp, kRust, kGo };

struct Program {
  // For messages: "billiard_pool roundtrip".
  std::string name;
  // The rows to which its figures belong; it runs for the first of them.
  std::set<std::string> rows;
  Language language = Language::kBinary;
  // The binary or the source, in the folder of this project's benchmarks.
  std::string file;
  std::vector<std::string> arguments;
  // As whom it reports its figures, and of which item: those are not there if
  // it can't run.
  std::string who;
  std::string item;
  // What a compiler needs besides.
  std::vector<std::string> link_options = {};
  // Programs with 0 run first: targets need them. Those with more may find no
  // time left.
  int priority = 0;
};

// What the programs are told.
struct ProgramSettings {
  // This library's, for the floors that start the same binaries.
  std::string pool_binary = {};
  std::string executor_binary = {};
  // How many MiB the parents of spawned processes have touched.
  std::vector<int64_t> rss_mib = {};
};

// All programs, in the order in which they should run: for each row this
// library's beside what it is compared with, by their priorities.
std::vector<Program> AllPrograms(const ProgramSettings& settings);

// The command line that compiles `program` from `source` to `output`; empty if
// it needs none. NOT_FOUND if there is no compiler here.
absl::StatusOr<std::vector<std::string>> CompileCommand(
    const Program& program, const std::string& source,
    const std::string& output, const Toolbox& toolbox);

// The command line that runs it; `file` is what was compiled, or else the
// program's file. NOT_FOUND if there is no interpreter here.
absl::StatusOr<std::vector<std::string>> RunCommand(const Program& program,
                                                    const std::string& file,
                                                    const Toolbox& toolbox);

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_PROGRAMS_H_
