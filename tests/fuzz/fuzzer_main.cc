// Lets a fuzzer leave what it finds where it can be found: beside the test's
// log, or in the folder in which `bazel run` was called.

#include <cstdlib>
#include <string>
#include <vector>

namespace {

std::string Folder() {
  for (const char* name :
       {"TEST_UNDECLARED_OUTPUTS_DIR", "BUILD_WORKING_DIRECTORY"}) {
    const char* const folder = std::getenv(name);
    if (folder != nullptr) return folder;
  }
  return ".";
}

}  // namespace

// libFuzzer's, before it reads its arguments: the last of a kind prevails.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static const std::string prefix = "-artifact_prefix=" + Folder() + "/";
  static std::vector<char*> arguments(*argv, *argv + *argc);
  arguments.insert(arguments.begin() + 1, const_cast<char*>(prefix.c_str()));
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  return 0;
}
