#include "multiproc/benchmarks/programs.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "multiproc/benchmarks/measures.h"

namespace multiproc {
namespace {

Program MakeProgram(Language language) {
  Program program;
  program.language = language;
  program.arguments = {"--a"};
  return program;
}

TEST(ProgramsTest, EveryRowHasPrograms) {
  std::set<std::string> rows;
  for (const Program& program : AllPrograms({"pool", "executor", {10}})) {
    rows.insert(program.rows.begin(), program.rows.end());
  }
  for (const Measure& measure : Measures({10, 1024})) {
    EXPECT_EQ(rows.count(measure.row), 1) << measure.row;
  }
}

TEST(ProgramsTest, WhatTargetsNeedRunsFirst) {
  int last = 0;
  for (const Program& program : AllPrograms({"pool", "executor", {10}})) {
    EXPECT_GE(program.priority, last) << program.name;
    last = program.priority;
  }
}

TEST(ProgramsTest, ABinaryNeedsNothingElse) {
  const Toolbox toolbox({});
  const Program program = MakeProgram(Language::kBinary);
  EXPECT_EQ(*CompileCommand(program, "file", "output", toolbox),
            std::vector<std::string>());
  EXPECT_EQ(*RunCommand(program, "file", toolbox),
            (std::vector<std::string>{"file", "--a"}));
}

TEST(ProgramsTest, WithoutItsToolAProgramIsNotFound) {
  ASSERT_EQ(setenv("PATH", "", 1), 0);
  const Toolbox toolbox({});
  EXPECT_EQ(
      CompileCommand(MakeProgram(Language::kRust), "file", "output", toolbox)
          .status(),
      absl::NotFoundError("no rustc on PATH"));
  EXPECT_EQ(RunCommand(MakeProgram(Language::kNode), "file", toolbox).status(),
            absl::NotFoundError("no node on PATH"));
}

}  // namespace
}  // namespace multiproc
