#include "multiproc/benchmarks/programs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace multiproc {
namespace {

using Rows = std::set<std::string>;

// This library's; `filter` chooses by the names of the figures.
Program PoolBenchmark(Rows rows, const std::string& filter) {
  return {absl::StrCat("multiproc ", filter),
          std::move(rows),
          Language::kBinary,
          "pool_benchmark",
          {"--figures", absl::StrCat("--benchmark_filter=", filter)},
          "multiproc",
          filter.substr(0, filter.find('/'))};
}

Program Floor(Rows rows, const std::string& file,
              std::vector<std::string> arguments, const std::string& who,
              const std::string& item) {
  return {absl::StrCat("floor: ", file),
          std::move(rows),
          Language::kBinary,
          absl::StrCat("floors/", file),
          std::move(arguments),
          who,
          item};
}

// CPython's pool has targets; what is about all pools is told of more of them
// than the rest.
int PriorityOf(const std::string& pool, absl::string_view section) {
  static constexpr absl::string_view kTargets = "throughput busy map";
  static constexpr absl::string_view kOfAll = "roundtrip throughput memory";
  if (pool == "cpython_pool")
    return absl::StrContains(kTargets, section) ? 0 : 1;
  return absl::StrContains(kOfAll, section) ? 2 : 3;
}

Program PythonPool(Rows rows, const std::string& pool,
                   const std::string& section, const std::string& item) {
  Program program = {absl::StrCat(pool, " ", section),
                     std::move(rows),
                     Language::kPython,
                     "peers/python_pools.py",
                     {section, absl::StrCat("--pool=", pool)},
                     pool,
                     item};
  program.priority = PriorityOf(pool, section);
  return program;
}

void AddPythonPools(const Rows& rows, const std::string& section,
                    const std::string& item, std::vector<Program>* programs) {
  for (const char* pool :
       {"cpython_pool", "cpython_ppe", "billiard_pool", "loky"}) {
    programs->push_back(PythonPool(rows, pool, section, item));
  }
}

Program Spawner(Language language, const std::string& file,
                const std::string& who, std::vector<std::string> link_options) {
  Program program = {who, {"9"}, language, absl::StrCat("peers/", file),
                     {},  who,   "spawn"};
  program.link_options = std::move(link_options);
  program.priority = 2;
  return program;
}

void AddRoundTrips(std::vector<Program>* programs) {
  programs->push_back(Floor({"1", "2"}, "pipe_floor", {"--only=roundtrip"},
                            "c_floor", "floor_roundtrip"));
  programs->push_back(PoolBenchmark({"1", "2"}, "pool_roundtrip"));
  AddPythonPools({"1"}, "roundtrip", "pool_roundtrip", programs);
  programs->push_back({"Node fork + send",
                       {"1", "3"},
                       Language::kNode,
                       "peers/node_fork.mjs",
                       {},
                       "node_fork_send",
                       "pool_roundtrip"});
}

void AddTasks(std::vector<Program>* programs) {
  programs->push_back(
      Floor({"3", "4"}, "pool_model", {}, "c_model", "pool_model"));
  programs->push_back(
      PoolBenchmark({"3"}, "pool_throughput/task:empty/.*/op:submit_all"));
  AddPythonPools({"3"}, "throughput", "pool_throughput", programs);
  programs->push_back(
      Floor({"4", "7"}, "task_floor", {}, "c_floor", "pool_throughput"));
  programs->push_back(PoolBenchmark({"4"}, "pool_throughput/task:busy10"));
  AddPythonPools({"4"}, "busy", "pool_throughput", programs);
  programs->push_back(PoolBenchmark({"5"}, "pool_throughput/task:mix"));
  programs->push_back(PoolBenchmark({"5"}, "pool_completion/task:mix"));
  AddPythonPools({"5"}, "mix", "pool_throughput", programs);
  programs->push_back(
      PoolBenchmark({"6"}, "pool_throughput/task:empty/.*/op:map"));
  AddPythonPools({"6"}, "map", "pool_throughput", programs);
  programs->push_back(PoolBenchmark({"7"}, "pool_throughput/task:sleep1ms"));
  AddPythonPools({"7"}, "sleep", "pool_throughput", programs);
}

void AddEchoes(std::vector<Program>* programs) {
  programs->push_back(Floor({"8"}, "pipe_floor", {"--only=echo"},
                            "c_floor_pipe", "payload_echo"));
  programs->push_back(PoolBenchmark({"8"}, "payload_echo"));
  programs->push_back(PoolBenchmark({"8"}, "payload_memory/of:parent"));
  programs->push_back(PoolBenchmark({"8"}, "payload_memory/of:worker"));
  AddPythonPools({"8"}, "echo", "payload_echo", programs);
}

void AddSpawners(std::vector<Program>* programs) {
  programs->push_back(
      Spawner(Language::kRust, "spawn.rs", "rust_std_process", {}));
  programs->push_back(Spawner(Language::kGo, "spawn.go", "go_os_exec", {}));
  programs->push_back(Spawner(Language::kCpp, "libuv.cc", "libuv", {"-luv"}));
  programs->push_back(Spawner(Language::kCpp, "boost_process.cc",
                              "boost_process",
                              {"-lboost_filesystem", "-pthread"}));
}

void AddProgramStarts(const ProgramSettings& settings,
                      std::vector<Program>* programs) {
  std::vector<Program> starts = {
      Floor({"9", "10"}, "spawn_floor",
            {absl::StrCat("--program=", settings.executor_binary)}, "c_floor",
            "spawn"),
      {"multiproc starts",
       {"9", "10"},
       Language::kBinary,
       "executor_benchmark",
       {"--figures", "--benchmark_filter=function_start|spawn/how:posix"},
       "multiproc",
       "spawn"},
      {"CPython subprocess",
       {"9"},
       Language::kPython,
       "peers/python_starts.py",
       {"programs"},
       "cpython_subprocess",
       "spawn",
       {},
       1}};
  AddSpawners(&starts);
  for (Program& program : starts) {
    program.arguments.push_back(
        absl::StrCat("--rss_mib=", absl::StrJoin(settings.rss_mib, ",")));
    programs->push_back(std::move(program));
  }
}

void AddPoolStarts(const ProgramSettings& settings,
                   std::vector<Program>* programs) {
  programs->push_back(Floor({"11"}, "start_floor",
                            {absl::StrCat("--program=", settings.pool_binary)},
                            "c_floor", "pool_start"));
  programs->push_back(PoolBenchmark({"11"}, "pool_start"));
  programs->push_back({"CPython pools",
                       {"11"},
                       Language::kPython,
                       "peers/python_starts.py",
                       {"pools"},
                       "cpython_pool",
                       "pool_start"});
}

void AddParentCosts(std::vector<Program>* programs) {
  programs->push_back(
      Floor({"12"}, "queue_floor", {}, "c_floor", "queued_memory"));
  programs->push_back(PoolBenchmark({"12"}, "queued_memory"));
  AddPythonPools({"12"}, "memory", "queued_memory", programs);
  programs->push_back(PoolBenchmark({"13"}, "many_workers"));
}

}  // namespace

std::vector<Program> AllPrograms(const ProgramSettings& settings) {
  std::vector<Program> programs;
  AddRoundTrips(&programs);
  AddTasks(&programs);
  AddEchoes(&programs);
  AddProgramStarts(settings, &programs);
  AddPoolStarts(settings, &programs);
  AddParentCosts(&programs);
  std::stable_sort(programs.begin(), programs.end(),
                   [](const Program& a, const Program& b) {
                     return a.priority < b.priority;
                   });
  return programs;
}

absl::StatusOr<std::vector<std::string>> CompileCommand(
    const Program& program, const std::string& source,
    const std::string& output, const Toolbox& toolbox) {
  std::string compiler;
  std::vector<std::string> options;
  switch (program.language) {
    case Language::kCpp:
      compiler = "c++";
      options = {"-O2", "-std=c++17", "-o", output, source};
      break;
    case Language::kRust:
      compiler = "rustc";
      options = {"-O", "-o", output, source};
      break;
    case Language::kGo:
      compiler = "go";
      options = {"build", "-o", output, source};
      break;
    default:
      return std::vector<std::string>();
  }
  const absl::StatusOr<std::string> path = toolbox.Find(compiler);
  if (!path.ok()) return path.status();
  std::vector<std::string> command = {*path};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), program.link_options.begin(),
                 program.link_options.end());
  return command;
}

absl::StatusOr<std::vector<std::string>> RunCommand(const Program& program,
                                                    const std::string& file,
                                                    const Toolbox& toolbox) {
  std::vector<std::string> command;
  if (program.language == Language::kPython ||
      program.language == Language::kNode) {
    const absl::StatusOr<std::string> interpreter =
        program.language == Language::kPython ? toolbox.FindPython()
                                              : toolbox.Find("node");
    if (!interpreter.ok()) return interpreter.status();
    command = {*interpreter};
    if (program.language == Language::kPython) command.push_back("-B");
  }
  command.push_back(file);
  command.insert(command.end(), program.arguments.begin(),
                 program.arguments.end());
  return command;
}

}  // namespace multiproc
