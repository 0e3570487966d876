// The program that tests start. Its first argument says what it does:
//
//   name            prints what it was called as (argv[0])
//   exit N          exits with code N, decimal or 0x...
//   raise N         sends itself signal N
//   arguments ...   prints the others, each with its length
//   echo            copies its input to its output
//   both            prints "out" to stdout and "err" to stderr
//   environment     prints its environment, a line each
//   directory       prints its working directory
//   descriptors     prints its open descriptors
//   write N         writes "hello" to descriptor N
//   hold N          the same, and waits for a signal
//   pause           waits for a signal
//   announce        prints "ready" on a line, and waits for a signal
//   interruptible   the same, and does not ignore SIGINT
//   group           prints its process group (POSIX)
//   limits          prints its limits (POSIX)
//   signals         prints the masks of blocked and ignored signals (Linux)

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "tests/test_child_os.h"
#include "tests/test_os.h"

namespace multiproc {
namespace {

int PrintArguments(const std::vector<std::string>& arguments) {
  for (size_t i = 1; i < arguments.size(); ++i) {
    std::cout << arguments[i].size() << ":" << arguments[i] << "\n";
  }
  return 0;
}

int PrintEnvironment() {
  for (const std::string& entry : EnvironmentEntries()) {
    std::cout << entry << "\n";
  }
  return 0;
}

int PrintDescriptors() {
  for (const int descriptor : OpenDescriptors()) {
    std::cout << descriptor << " ";
  }
  return 0;
}

int PrintBoth() {
  std::cout << "out" << std::flush;
  std::cerr << "err" << std::flush;
  return 0;
}

int WriteHello(int descriptor) {
  return WriteToDescriptor(descriptor, "hello") ? 0 : 1;
}

int Hold(int descriptor) {
  if (WriteHello(descriptor) != 0) return 1;
  PauseForEver();
}

int Announce() {
  std::cout << "ready\n" << std::flush;
  PauseForEver();
}

int BeInterruptible() {
  std::signal(SIGINT, SIG_DFL);
  return Announce();
}

int Run(const std::string& name, const std::vector<std::string>& arguments) {
  const std::string what = arguments.empty() ? "" : arguments[0];
  const uint32_t number = arguments.size() < 2
                              ? 0
                              : static_cast<uint32_t>(std::strtoull(
                                    arguments[1].c_str(), nullptr, 0));
  if (what == "name") return (std::cout << name, 0);
  if (what == "exit") return static_cast<int>(number);
  if (what == "raise") DieBySignal(static_cast<int>(number));
  if (what == "arguments") return PrintArguments(arguments);
  if (what == "echo") return (std::cout << std::cin.rdbuf(), 0);
  if (what == "both") return PrintBoth();
  if (what == "environment") return PrintEnvironment();
  if (what == "directory") return (std::cout << WorkingDirectory(), 0);
  if (what == "descriptors") return PrintDescriptors();
  if (what == "write") return WriteHello(static_cast<int>(number));
  if (what == "hold") return Hold(static_cast<int>(number));
  if (what == "pause") PauseForEver();
  if (what == "announce") return Announce();
  if (what == "interruptible") return BeInterruptible();
  if (const auto text = OwnCommand(what); text.has_value()) {
    return (std::cout << *text, 0);
  }
  std::cerr << "unknown: " << what << "\n";
  return 99;
}

}  // namespace
}  // namespace multiproc

int main(int argc, char** argv) {
  multiproc::UseBinaryStreams();
  const std::string name = argc == 0 ? "" : argv[0];
  return multiproc::Run(name, multiproc::ProgramArguments(argc, argv));
}
