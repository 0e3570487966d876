// The fixture of all tests of what every backend does, and what they run.

#ifndef MULTIPROC_TESTS_EXECUTOR_FIXTURE_H_
#define MULTIPROC_TESTS_EXECUTOR_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/executors/default_executor.h"
#include "tests/backends.h"
#include "tests/process_state.h"
#include "tests/test_os.h"

namespace multiproc {

// Registered functions, for children.
void Pause();
// "default", "ignored" or "handled".
void PrintHandlerOf(int signal);

inline std::string ChildProgram() { return std::getenv("TEST_CHILD"); }

// test_child.cc has the list of what it does.
inline Command Child(std::vector<std::string> arguments) {
  return Command::Program(ChildProgram(), std::move(arguments));
}

class ExecutorTest : public BackendTest {
 protected:
  void SetUp() override {
    // A console has a process of its own, to stay.
    HasConsole();
    // What is made once, and kept, is made now.
    [[maybe_unused]] static const std::string once =
        OutputOf(Child({"exit", "0"}));
    before_ = ProcessState::Now();
  }

  // No test may leave anything behind.
  void TearDown() override { EXPECT_EQ(LeftBehindSince(before_), ""); }

  Process SpawnOrDie(const Command& command) {
    absl::StatusOr<Process> process = executor().Spawn(command);
    EXPECT_TRUE(process.ok()) << process.status();
    return process.ok() ? *std::move(process) : Process();
  }

  ExitStatus Run(const Command& command) { return *SpawnOrDie(command).Wait(); }

  // What `command` prints, to the end of its output.
  std::string OutputOf(Command command) {
    command.standard_output = Stdio::Pipe();
    Process process = SpawnOrDie(command);
    std::string text = *ReadToEnd(process.standard_output().get());
    EXPECT_EQ(process.Wait()->ToString(), "exited with code 0");
    return text;
  }

  absl::Status SpawnError(const Command& command) {
    absl::StatusOr<Process> process = executor().Spawn(command);
    return process.status();
  }

  ProcessState before_;
};

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_EXECUTOR_FIXTURE_H_
