// The program that tests start. Its first argument says what it does:
//
//   exit N          exits with code N
//   raise N         sends itself signal N
//   arguments ...   prints the others, each with its length
//   echo            copies its input to its output
//   both            prints "out" to stdout and "err" to stderr
//   environment     prints its environment, a line each
//   directory       prints its working directory
//   descriptors     prints its open descriptors
//   write N         writes "hello" to descriptor N
//   group           prints its process group
//   signals         prints the masks of blocked and ignored signals (Linux)
//   pause           waits for a signal

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <set>
#include <string>

extern char** environ;

namespace {

int PrintArguments(int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    std::cout << std::strlen(argv[i]) << ":" << argv[i] << "\n";
  }
  return 0;
}

int PrintEnvironment() {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::cout << *entry << "\n";
  }
  return 0;
}

int PrintDescriptors() {
  std::set<int> descriptors;
  DIR* folder = opendir("/dev/fd");
  while (dirent* entry = readdir(folder)) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd(folder)) descriptors.insert(fd);
  }
  closedir(folder);
  for (const int fd : descriptors) std::cout << fd << " ";
  return 0;
}

int PrintDirectory() {
  char path[4096];
  std::cout << getcwd(path, sizeof(path));
  return 0;
}

int PrintSignals() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind("SigBlk", 0) == 0 || line.rfind("SigIgn", 0) == 0) {
      std::cout << line << "\n";
    }
  }
  return 0;
}

int WriteHello(int fd) { return write(fd, "hello", 5) == 5 ? 0 : 1; }

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const int number = argc > 2 ? std::atoi(argv[2]) : 0;
  if (what == "exit") return number;
  if (what == "raise") return raise(number);
  if (what == "arguments") return PrintArguments(argc, argv);
  if (what == "echo") return (std::cout << std::cin.rdbuf(), 0);
  if (what == "both") {
    std::cout << "out" << std::flush;
    std::cerr << "err" << std::flush;
    return 0;
  }
  if (what == "environment") return PrintEnvironment();
  if (what == "directory") return PrintDirectory();
  if (what == "descriptors") return PrintDescriptors();
  if (what == "write") return WriteHello(number);
  if (what == "group") return (std::cout << getpgrp(), 0);
  if (what == "signals") return PrintSignals();
  if (what == "pause") return pause();
  std::cerr << "unknown: " << what << "\n";
  return 99;
}
