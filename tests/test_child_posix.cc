#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/limits_text.h"
#include "tests/test_child_os.h"

extern char** environ;

namespace multiproc {
namespace {

// The masks of blocked and ignored signals.
std::string Signals() {
  std::ifstream status("/proc/self/status");
  std::string text;
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("SigBlk", 0) == 0 || line.rfind("SigIgn", 0) == 0) {
      text += line + "\n";
    }
  }
  return text;
}

}  // namespace

std::vector<std::string> ProgramArguments(int argc, char** argv) {
  return std::vector<std::string>(argv + std::min(argc, 1), argv + argc);
}

void UseBinaryStreams() {}

std::vector<std::string> EnvironmentEntries() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    entries.emplace_back(*entry);
  }
  return entries;
}

std::string WorkingDirectory() {
  char path[4096];
  return getcwd(path, sizeof(path)) == nullptr ? "" : path;
}

std::vector<int> OpenDescriptors() {
  std::vector<int> descriptors;
  DIR* folder = opendir("/dev/fd");
  while (dirent* entry = readdir(folder)) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd(folder)) {
      descriptors.push_back(fd);
    }
  }
  closedir(folder);
  std::sort(descriptors.begin(), descriptors.end());
  return descriptors;
}

bool WriteToDescriptor(int descriptor, absl::string_view text) {
  return write(descriptor, text.data(), text.size()) ==
         static_cast<ssize_t>(text.size());
}

std::optional<std::string> OwnCommand(absl::string_view command) {
  if (command == "limits") return LimitsText();
  if (command == "group") return absl::StrCat(getpgrp());
  if (command == "signals") return Signals();
  return std::nullopt;
}

}  // namespace multiproc
