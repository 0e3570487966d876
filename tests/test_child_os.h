// The part of test_child that each operating system does in its own way. For
// one thread.

#ifndef MULTIPROC_TESTS_TEST_CHILD_OS_H_
#define MULTIPROC_TESTS_TEST_CHILD_OS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace multiproc {

// What main was called with, in UTF-8, without the program's name.
std::vector<std::string> ProgramArguments(int argc, char** argv);

// From now on the standard streams carry bytes as they are.
void UseBinaryStreams();

// All variables, NAME=value each, in UTF-8.
std::vector<std::string> EnvironmentEntries();

// In UTF-8.
std::string WorkingDirectory();

// The numbers of all open descriptors, in their order.
std::vector<int> OpenDescriptors();

bool WriteToDescriptor(int descriptor, absl::string_view text);

// What a command prints that only this system has; nullopt for any other.
std::optional<std::string> OwnCommand(absl::string_view command);

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_TEST_CHILD_OS_H_
