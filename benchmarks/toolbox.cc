#include "multiproc/benchmarks/toolbox.h"

#include <stdlib.h>
#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace multiproc {

Toolbox::Toolbox(std::vector<std::string> first_folders)
    : folders_(std::move(first_folders)) {
  const char* const path = getenv("PATH");
  if (path == nullptr) return;
  for (const auto folder : absl::StrSplit(path, ':', absl::SkipEmpty())) {
    folders_.emplace_back(folder);
  }
}

absl::StatusOr<std::string> Toolbox::Find(const std::string& name) const {
  for (const std::string& folder : folders_) {
    std::string path = absl::StrCat(folder, "/", name);
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return absl::NotFoundError(absl::StrCat("no ", name, " on PATH"));
}

absl::StatusOr<std::string> Toolbox::FindPython() const {
  constexpr char kSystems[] = "/usr/bin/python3";
  if (access(kSystems, X_OK) == 0) return kSystems;
  return Find("python3");
}

}  // namespace multiproc
