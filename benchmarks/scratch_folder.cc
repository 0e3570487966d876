#include "multiproc/benchmarks/scratch_folder.h"

#include <stdlib.h>

#include <filesystem>
#include <system_error>

namespace multiproc {

ScratchFolder::ScratchFolder() {
  const std::filesystem::path parent = std::filesystem::temp_directory_path();
  path_ = (parent / "compare.XXXXXX").string();
  if (mkdtemp(path_.data()) == nullptr) path_ = parent.string();
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (path_.find("/compare.") == std::string::npos) return;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace multiproc
