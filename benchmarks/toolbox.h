// The interpreters and compilers of this machine.
//
//   Toolbox toolbox({"/opt/node/bin"});
//   absl::StatusOr<std::string> node = toolbox.Find("node");
//
// Thread-compatible.

#ifndef MULTIPROC_BENCHMARKS_TOOLBOX_H_
#define MULTIPROC_BENCHMARKS_TOOLBOX_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace multiproc {

class Toolbox {
 public:
  // Looks in `first_folders`, and then in those of PATH.
  explicit Toolbox(std::vector<std::string> first_folders);

  // The path of the program `name`. NOT_FOUND, with the reason in a few words.
  absl::StatusOr<std::string> Find(const std::string& name) const;

  // The system's own python3, which is usually the one that is best optimized,
  // or else another.
  absl::StatusOr<std::string> FindPython() const;

 private:
  std::vector<std::string> folders_;
};

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_TOOLBOX_H_
